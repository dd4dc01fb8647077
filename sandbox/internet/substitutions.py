"""What the sandbox serves in place of what is named: no name may promise more than there is behind it."""

from __future__ import annotations

from sandbox.internet.images import FLANNEL_CNI_TAGS, FLANNEL_REGISTRY, KUBERNETES_REGISTRY
from sandbox.toolchain.build import tool_named


def substitutions() -> tuple[str, ...]:
    """One line each."""
    etcd = tool_named("etcd").version
    flannel_cni = tool_named("flannel-cni").version
    return (
        f"{KUBERNETES_REGISTRY}/etcd: every tag is etcd {etcd}",
        f"{FLANNEL_REGISTRY}/flannel-cni-plugin:{FLANNEL_CNI_TAGS[0]}: "
        f"flannel of containernetworking/plugins {flannel_cni}",
        "containerd.io of download.docker.com: its runc is Debian's",
        "kubernetes-cni of pkgs.k8s.io: only bandwidth, bridge, host-local, loopback, portmap and tuning",
        "kube-proxy, flannel and agnhost images: upstream's programs on Debian's tools, not on their base images",
        "all packages and images are built here: the versions are those named, digests and signing keys are not",
        "machines are containers: their kernel is this host's",
    )
