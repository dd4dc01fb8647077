"""What the image registries hold: the images that kubeadm and the program name, filled from the toolchain."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from components.kubeadm.documents import ETCD_IMAGE_TAGS
from sandbox.internet.archive import Entry, folder, program
from sandbox.internet.debian_files import entries_for
from sandbox.internet.oci import Image
from sandbox.internet.releases import ETCD_COMMANDS
from sandbox.toolchain.build import binary, tool_named

KUBERNETES_REGISTRY = "registry.k8s.io"
FLANNEL_REGISTRY = "ghcr.io/flannel-io"
FLANNEL_CNI_TAGS = ("v1.9.1-flannel1",)
WHAT_CHANGED: Mapping[str, str] = {
    f"{FLANNEL_REGISTRY}/flannel-cni-plugin:{FLANNEL_CNI_TAGS[0]}": "since then: IPv6, later CNI specifications",
}
"""What lies between the version behind a name and the later one that it says: without a line here, it isn't served."""

_CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
_NOBODY = "65532:65532"
_PACKET_FILTERS = (
    "/usr/sbin/iptables", "/usr/sbin/iptables-save", "/usr/sbin/iptables-restore",
    "/usr/sbin/ip6tables", "/usr/sbin/ip6tables-save", "/usr/sbin/ip6tables-restore",
    "/usr/sbin/nft", "/usr/sbin/conntrack",
)  # fmt: skip
_EXTENSIONS = "/usr/lib/x86_64-linux-gnu/xtables"
_SHELL = ("/usr/bin/sh", "/usr/bin/cp", "/usr/bin/cat", "/usr/bin/ls", "/usr/bin/mkdir", "/usr/bin/sleep")


def default_tags(kubernetes_version: str) -> Mapping[str, str]:
    """Tags by image name that this version's kubeadm asks for (`etcd`, `coredns/coredns`, `pause`, …)."""
    command = [str(binary("kubernetes", "kubeadm")), "config", "images", "list"]
    said = subprocess.run(
        [*command, "--kubernetes-version", f"v{kubernetes_version}"], capture_output=True, text=True, check=True
    )
    names = (line.removeprefix(f"{KUBERNETES_REGISTRY}/").partition(":") for line in said.stdout.split())
    return {name: tag for name, _, tag in names}


def images(tree: Path, pause: Path, agnhost_tag: str, tools: Collection[str]) -> list[Image]:
    """All images of these tools but Calico's.

    `tree` is the machine image, where Debian's programs are; `pause` a static binary.
    """
    base = base_entries(tree)
    made = _kubernetes_images(tree, pause, agnhost_tag, base)
    if "metrics-server" in tools:
        made.append(
            Image(
                f"{KUBERNETES_REGISTRY}/metrics-server/metrics-server",
                [f"v{tool_named('metrics-server').version}"],
                [*base, program("metrics-server", binary("metrics-server", "metrics-server"))],
                entrypoint=("/metrics-server",),
                user="65534",
                version=tool_named("metrics-server").version,
            )
        )
    return made + (_flannel_images(tree, base) if "flannel" in tools else [])


def _flannel_images(tree: Path, base: Sequence[Entry]) -> list[Image]:
    shell = entries_for(tree, _SHELL)
    filters = entries_for(tree, (*_PACKET_FILTERS, "/usr/sbin/ip"), [_EXTENSIONS])
    return [
        Image(
            f"{FLANNEL_REGISTRY}/flannel",
            [f"v{tool_named('flannel').version}"],
            [*base, *shell, *filters, program("opt/bin/flanneld", binary("flannel", "flanneld"))],
            entrypoint=("/opt/bin/flanneld",),
            version=tool_named("flannel").version,
        ),
        Image(
            f"{FLANNEL_REGISTRY}/flannel-cni-plugin",
            FLANNEL_CNI_TAGS,
            [*shell, program("flannel", binary("flannel-cni", "flannel"))],
            version=tool_named("flannel-cni").version,
        ),
    ]


def _kubernetes_images(tree: Path, pause: Path, agnhost_tag: str, base: Sequence[Entry]) -> list[Image]:
    version = tool_named("kubernetes").version
    tags = default_tags(version)
    etcd_tags = sorted({tags["etcd"], f"{tool_named('etcd').version}-0", *ETCD_IMAGE_TAGS.values()})
    filters = entries_for(tree, _PACKET_FILTERS, [_EXTENSIONS])
    return [
        *(
            _kubernetes(name, tags[name], [*base, program(f"usr/local/bin/{name}", binary("kubernetes", name))], name)
            for name in _CONTROL_PLANE
        ),
        _kubernetes(
            "kube-proxy",
            tags["kube-proxy"],
            [*base, *filters, program("usr/local/bin/kube-proxy", binary("kubernetes", "kube-proxy"))],
            "kube-proxy",
        ),
        Image(
            f"{KUBERNETES_REGISTRY}/etcd",
            etcd_tags,
            [*base, *(program(f"usr/local/bin/{name}", binary("etcd", name)) for name in ETCD_COMMANDS)],
            version=tool_named("etcd").version,
        ),
        Image(
            f"{KUBERNETES_REGISTRY}/coredns/coredns",
            [tags["coredns/coredns"]],
            [*base, program("coredns", binary("coredns", "coredns"))],
            entrypoint=("/coredns",),
            user=_NOBODY,
            version=tool_named("coredns").version,
        ),
        Image(
            f"{KUBERNETES_REGISTRY}/pause",
            [tags["pause"]],
            [program("pause", pause)],
            entrypoint=("/pause",),
            user="65535:65535",
        ),
        Image(
            f"{KUBERNETES_REGISTRY}/e2e-test-images/agnhost",
            [agnhost_tag],
            [*base, *entries_for(tree, _SHELL), program("agnhost", binary("agnhost", "agnhost"))],
            entrypoint=("/agnhost",),
            command=("pause",),
        ),
    ]


def unexplained(made: Iterable[Image]) -> list[str]:
    """Names that say more than there is behind them, without a word on what lies between."""
    return [reference for image in made for reference in image.promising if reference not in WHAT_CHANGED]


def _kubernetes(name: str, tag: str, entries: Sequence[Entry], command: str) -> Image:
    return Image(f"{KUBERNETES_REGISTRY}/{name}", [tag], entries, entrypoint=(f"/usr/local/bin/{command}",))


def base_entries(tree: Path) -> list[Entry]:
    """What images without a distribution hold: users, certificates, a place for temporary files."""
    return [
        Entry(
            "etc/passwd",
            b"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
        ),
        Entry("etc/group", b"root:x:0:\nnonroot:x:65532:\n"),
        # nft names protocols by this file; without it kube-proxy does not know its own rules again after a restart.
        *(Entry(f"etc/{name}", tree / "etc" / name) for name in ("protocols", "services")),
        Entry("etc/ssl/certs/ca-certificates.crt", tree / "etc/ssl/certs/ca-certificates.crt"),
        folder("tmp", 0o1777),
    ]
