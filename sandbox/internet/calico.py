"""Calico's images: upstream's programs, and what of Debian its node image runs beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sandbox.internet.archive import Entry, program
from sandbox.internet.debian_files import entries_for
from sandbox.internet.oci import Image
from sandbox.toolchain.build import binary, tool_named

REGISTRY = "quay.io/calico"
NAMES = ("node", "cni", "kube-controllers")

_USER = 999
_FAMILIES = ("iptables", "ip6tables")
_ACTIONS = ("", "-save", "-restore")
_PACKET_FILTERS = (
    *(f"/usr/sbin/{family}{kind}{action}" for family in _FAMILIES for kind in ("", "-nft", "-legacy")
      for action in _ACTIONS),
    "/usr/sbin/ipset", "/usr/sbin/nft", "/usr/sbin/conntrack", "/usr/sbin/ip",
)  # fmt: skip
_EXTENSIONS = "/usr/lib/x86_64-linux-gnu/xtables"
_SERVICES = ("/usr/bin/runsvdir", "/usr/bin/runsv", "/usr/bin/sv", "/usr/bin/svlogd")
_SHELL = (
    "/usr/bin/sh", "/usr/bin/bash", "/usr/bin/cat", "/usr/bin/cp", "/usr/bin/env", "/usr/bin/mkdir", "/usr/bin/rm",
    "/usr/bin/tee", "/usr/bin/touch", "/usr/bin/which",
)  # fmt: skip


def tags() -> tuple[str, ...]:
    """Its own version alone: behind another name, what that version asks of the cluster would not be asked here."""
    return (f"v{tool_named('calico').version}",)


def calico_images(tree: Path, source: Path, base: Sequence[Entry]) -> list[Image]:
    """The images of one node and of the controllers.

    `tree` is the machine image with Debian's parts for Calico in it, `source` Calico's module, and `base` what every
    image without a distribution holds.
    """
    licence = Entry("licenses/LICENSE", source / "LICENSE.md")
    version = tool_named("calico").version
    return [
        Image(
            f"{REGISTRY}/node",
            tags(),
            [
                *base,
                *entries_for(tree, (*_PACKET_FILTERS, *_SERVICES, *_SHELL), [_EXTENSIONS]),
                *_node_files(source / "node/filesystem"),
                program("usr/bin/calico-node", binary("calico", "calico-node")),
                licence,
            ],
            command=("start_runit",),
            # Without libbpf, which is C, Felix can't look for what its eBPF data plane may have left, and would panic.
            environment={"SVDIR": "/etc/service/enabled", "FELIX_DebugSkipCTLBCleanup": "true"},
            version=version,
        ),
        Image(
            f"{REGISTRY}/cni",
            tags(),
            [
                *base,
                program("opt/cni/bin/calico", binary("calico", "calico")),
                Entry("opt/cni/bin/calico-ipam", target="calico"),
                program("opt/cni/bin/install", binary("calico", "install")),
                licence,
            ],
            command=("/opt/cni/bin/install",),
            version=version,
        ),
        Image(
            f"{REGISTRY}/kube-controllers",
            tags(),
            [
                *base,
                program("usr/bin/wrapper", binary("calico", "wrapper")),
                program("usr/bin/kube-controllers", binary("calico", "kube-controllers")),
                program("usr/bin/check-status", binary("calico", "check-status")),
                *(
                    Entry(path, b"", owner=_USER)
                    for path in ("status/status.json", "profiles/mem.pprof", "profiles/cpu.pprof")
                ),
                licence,
            ],
            entrypoint=("/usr/bin/wrapper", "/usr/bin/kube-controllers"),
            user=str(_USER),
            version=version,
        ),
    ]


def _node_files(root: Path) -> list[Entry]:
    """What upstream copies into the node image. A module keeps no modes: what begins like a script is one."""
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.name != ".gitkeep")
    scripts = {path for path in files if path.read_bytes().startswith(b"#!") or path.name == "rc.local"}
    return [Entry(_merged(str(path.relative_to(root))), path, 0o755 if path in scripts else 0o644) for path in files]


def _merged(path: str) -> str:
    return f"usr/{path}" if path.startswith("sbin/") else path
