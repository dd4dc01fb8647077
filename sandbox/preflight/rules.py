"""What the host must have, and how to fix what is missing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sandbox.preflight.situation import Situation, Work

_FETCHES_ITS_OWN = (1, 21)
"""From this release on, the go command fetches the release that a module asks for, where GOTOOLCHAIN lets it."""

CONTROLLERS: Mapping[int, frozenset[str]] = {
    1: frozenset({"cpu", "cpuacct", "cpuset", "memory", "pids", "devices", "freezer", "blkio"}),
    2: frozenset({"cpu", "cpuset", "memory", "pids", "io"}),
}
"""What kubelets and containers use, by version of control groups."""

_GIB = 2**30
_MODULES_GIB: Mapping[str, float] = {
    "aws": 1.5, "kubernetes": 1.0, "kubernetes-plugin": 1.0, "pulumi": 0.7, "tls": 0.5, "containerd": 0.4,
}  # fmt: skip
_OBJECTS_GIB: Mapping[str, float] = {
    "aws": 4.0, "kubernetes": 2.0, "kubernetes-plugin": 3.4, "pulumi": 1.0, "tls": 0.8, "containerd": 0.6,
}  # fmt: skip
_OTHER_TOOL_GIB = 0.3
"""Room in Go's module and build caches, from builds with empty ones; rounded up."""
_TOOL_GIB = 0.1
_IMAGE_GIB = 1.5
_SITE_GIB = 1.0
_MACHINES_GIB = 2.0
_MOVED_BY: Mapping[str, str] = {
    "Go's module cache": "GOMODCACHE", "Go's build cache": "GOCACHE",
    "tools, machine image and packages": "QUORATE_CACHE", "machines": "QUORATE_STATE",
}  # fmt: skip
"""The variable that names another folder, by kind of place."""


@dataclass(frozen=True)
class Problem:
    """What was found, and what to do about it; both are sentences without a full stop at their end."""

    found: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.found}. {self.remedy}."


def problems(host: Situation, work: Work) -> list[Problem]:
    """Everything that keeps the sandbox from running here, in the order in which to fix it."""
    return [
        *_root(host),
        *_packages(host),
        *_go(host, work),
        *_disk(host, work),
        *_control_groups(host),
        *_privileges(host),
    ]


def needs(work: Work) -> Mapping[str, float]:
    """GiB to be written, by kind of place."""
    return {
        "Go's module cache": sum(_MODULES_GIB.get(tool, _OTHER_TOOL_GIB) for tool in work.tools),
        "Go's build cache": sum(_OBJECTS_GIB.get(tool, _OTHER_TOOL_GIB) for tool in work.tools),
        "tools, machine image and packages": len(work.tools) * _TOOL_GIB
        + work.image * _IMAGE_GIB
        + work.site * _SITE_GIB,
        "machines": _MACHINES_GIB,
    }


def numbers(version: str) -> tuple[int, int]:
    """Major and minor of `1.26.8` or `go1.26rc1`. Raises ValueError."""
    match = re.match(r"(?:go)?(\d+)\.(\d+)", version)
    if not match:
        raise ValueError(f"{version!r} is not a version")
    return int(match[1]), int(match[2])


def _root(host: Situation) -> Iterator[Problem]:
    if not host.root:
        yield Problem(
            "the sandbox makes network namespaces, mounts and containers, and that needs root",
            "Run the same command with sudo (`sudo -E` keeps QUORATE_CACHE and QUORATE_STATE)",
        )


def _packages(host: Situation) -> Iterator[Problem]:
    if host.missing_packages and not host.apt:
        yield Problem(
            f"missing on this host, by their Debian names: {', '.join(host.missing_packages)}; and there is no apt-get",
            "Use Debian 12 or Ubuntu, where the sandbox installs them by itself, or install them another way",
        )


def _go(host: Situation, work: Work) -> Iterator[Problem]:
    built = [f"{len(work.tools)} tools"] * bool(work.tools) + ["the images that machines pull"] * work.site
    if not built:
        return
    what = " and ".join(built)
    remedy = (
        f"Install Go {work.go} or newer from upstream's archive or from Debian backports (golang-go), "
        "and make sure that `go` is on PATH"
    )
    if not host.go:
        yield Problem(f"{what} must be built from Go modules, but there is no `go` on PATH", remedy)
        return
    found = numbers(host.go)
    if found >= numbers(work.go) or (found >= _FETCHES_ITS_OWN and host.go_toolchain not in ("local", "path")):
        return
    if found >= _FETCHES_ITS_OWN:
        remedy += f"; or let it fetch that release: GOTOOLCHAIN=auto instead of {host.go_toolchain}"
    yield Problem(f"`go` is {host.go}, but {what} must be built with {work.go} or newer", remedy)


def _disk(host: Situation, work: Work) -> Iterator[Problem]:
    """One problem for each file system, since what lies on the same one shares its room."""
    wanted = needs(work)
    for device in sorted({room.device for _, room in host.rooms.values()}):
        here = {kind: folder for kind, (folder, room) in host.rooms.items() if room.device == device and wanted[kind]}
        free = next(room.free for _, room in host.rooms.values() if room.device == device)
        total = sum(wanted[kind] for kind in here)
        if free < total * _GIB:
            parts = ", ".join(f"{wanted[kind]:.1f} for {kind} ({folder})" for kind, folder in here.items())
            movers = ", ".join(f"{_MOVED_BY[kind]}=FOLDER" for kind in here)
            yield Problem(
                f"{free / _GIB:.1f} GiB of disk are free, but {total:.1f} are needed: {parts}",
                f"Make room, or move a part to another disk: {movers}",
            )


def _control_groups(host: Situation) -> Iterator[Problem]:
    groups = host.control_groups
    if not groups.version:
        yield Problem(
            "no control groups are mounted in /sys/fs/cgroup",
            "Start this host with systemd, or mount them: mount -t cgroup2 none /sys/fs/cgroup",
        )
        return
    lacking = sorted(CONTROLLERS[groups.version] - groups.controllers)
    if lacking and groups.version == 2:
        yield Problem(
            f"control groups (version 2) lack {', '.join(lacking)} here: {_CONTROLLERS_FILE} does not list them",
            "If this host is itself a container or a slice, have them delegated to it (systemd: Delegate=yes)",
        )
    elif lacking:
        yield Problem(
            f"control groups (version 1) are mounted without {', '.join(lacking)}",
            "Mount each: mkdir /sys/fs/cgroup/NAME && mount -t cgroup -o NAME none /sys/fs/cgroup/NAME; "
            "or start the kernel with systemd.unified_cgroup_hierarchy=1",
        )


_CONTROLLERS_FILE = "/sys/fs/cgroup/cgroup.controllers"


def _privileges(host: Situation) -> Iterator[Problem]:
    for tried, answer in (host.refusals or {}).items():
        yield Problem(
            f"root may not make {tried} here: {answer}",
            "This host is a container with fewer rights than a machine: give it more (Docker: --privileged), or use "
            "a virtual machine",
        )
