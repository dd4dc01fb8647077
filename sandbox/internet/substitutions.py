"""What the sandbox serves in place of what is named: no name may promise more than there is behind it."""

from __future__ import annotations

from sandbox.internet import calico
from sandbox.internet.images import FLANNEL_CNI_TAGS, FLANNEL_REGISTRY, KUBERNETES_REGISTRY, WHAT_CHANGED
from sandbox.toolchain.build import tool_named


def substitutions() -> tuple[str, ...]:
    """One line each."""
    etcd = tool_named("etcd").version
    flannel_cni = tool_named("flannel-cni").version
    plugin = f"{FLANNEL_REGISTRY}/flannel-cni-plugin:{FLANNEL_CNI_TAGS[0]}"
    return (
        f"{calico.REGISTRY}/{{{','.join(calico.NAMES)}}}: only {' '.join(calico.tags())}, "
        "without BGP (bird) and eBPF (bpftool, mountns)",
        f"{KUBERNETES_REGISTRY}/etcd: every tag is etcd {etcd}",
        f"{plugin}: flannel of containernetworking/plugins {flannel_cni} ({WHAT_CHANGED[plugin]})",
        "containerd.io of download.docker.com: its runc is Debian's",
        "kubernetes-cni of pkgs.k8s.io: only bandwidth, bridge, host-local, loopback, portmap and tuning",
        f"etcd's releases at github.com: only {etcd}",
        "kube-proxy, flannel, calico/node and agnhost images: upstream's programs on Debian's tools, not their bases",
        "packages, images and archives are built here: versions are those named, checksums and signing keys are not",
        "machines boot with all these images on their disks: what they name is there, and not pulled",
        "machines are containers: their kernel is this host's",
    )
