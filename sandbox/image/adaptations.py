"""Files of the machine image that follow from the host's facts (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.image.facts import Facts

CONTAINERD = "/etc/containerd/conf.d/machine.toml"
KUBELET = "/etc/kubernetes/kubelet.conf.d/50-machine.conf"
KUBELET_ARGUMENTS = "/etc/default/kubelet"
PREFLIGHT = "/etc/quorate/ignore-preflight-errors"


def adaptation_files(facts: Facts) -> Mapping[str, str]:
    """Content by path in the machine."""
    files = {}
    if containerd := _containerd(facts):
        files[CONTAINERD] = containerd
    files[KUBELET] = _kubelet(facts)
    files[KUBELET_ARGUMENTS] = f"KUBELET_EXTRA_ARGS=--config-dir={KUBELET.rsplit('/', 1)[0]}\n"
    if names := preflight_errors_to_ignore(facts):
        files[PREFLIGHT] = ",".join(names) + "\n"
    return files


def preflight_errors_to_ignore(facts: Facts) -> list[str]:
    """kubeadm's names of the checks that no machine on this host can pass."""
    failing = {
        "SystemVerification": not facts.unified_cgroups or not facts.kernel_config,
        "FileContent--proc-sys-net-bridge-bridge-nf-call-iptables": not facts.bridge_filter,
        "Swap": facts.swap,
    }
    return [name for name, fails in failing.items() if fails]


def _containerd(facts: Facts) -> str:
    lines = ["version = 3"]
    if not facts.raises_limits:
        # Without CAP_SYS_RESOURCE a container's OOM score cannot go below its parent's.
        lines += ["", "[plugins.'io.containerd.cri.v1.runtime']", "  restrict_oom_score_adj = true"]
    if not facts.unified_cgroups:
        options = "containerd.runtimes.runc.options"
        lines += ["", f"[plugins.'io.containerd.cri.v1.runtime'.{options}]", "  SystemdCgroup = false"]
    return "\n".join(lines) + "\n" if len(lines) > 1 else ""


def _kubelet(facts: Facts) -> str:
    # The disk is the host's: a share of a large, well-filled one is no sign that a machine runs out of room.
    lines = ["evictionHard:", "  memory.available: 100Mi", "  nodefs.inodesFree: 5%"]
    lines += ["  nodefs.available: 1Gi", "  imagefs.available: 1Gi"]
    if not facts.unified_cgroups:
        lines += ["cgroupDriver: cgroupfs", "failCgroupV1: false"]
    if facts.swap:
        lines += ["failSwapOn: false"]
    if not facts.raises_limits:
        lines += ["featureGates:", "  KubeletInUserNamespace: true"]
    return "\n".join(["apiVersion: kubelet.config.k8s.io/v1beta1", "kind: KubeletConfiguration", *lines]) + "\n"
