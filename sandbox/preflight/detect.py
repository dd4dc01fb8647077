"""Finds out how the host is: by facts, never by what it calls itself. Nothing of Docker's is looked at."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sandbox import host
from sandbox.paths import cache_dir, state_dir
from sandbox.preflight import trials
from sandbox.preflight.situation import ControlGroups, Room, Situation


def situation() -> Situation:
    """The host as it is now. Trials are made only as root."""
    root = os.geteuid() == 0
    go = go_settings()
    return Situation(
        root=root,
        go=go.get("GOVERSION", ""),
        go_toolchain=go.get("GOTOOLCHAIN", ""),
        missing_packages=tuple(host.missing_packages()),
        apt=shutil.which("apt-get") is not None,
        rooms={kind: (folder, room_at(folder)) for kind, folder in _places(go).items()},
        control_groups=control_groups(),
        refusals=trials.refusals() if root else None,
    )


def go_settings() -> Mapping[str, str]:
    """GOVERSION, GOTOOLCHAIN and the folders of Go's caches; empty where there is no Go, or none that works.

    Asked as the installed release itself: another one must not be fetched for a look.
    """
    names = ("GOVERSION", "GOMODCACHE", "GOCACHE")
    found = shutil.which("go")
    if not found:
        return {}
    asked = subprocess.run(
        [found, "env", *names],
        capture_output=True, text=True, cwd="/", env={**os.environ, "GOTOOLCHAIN": "local"},
    )  # fmt: skip
    # Not asked above, where it is `local`; releases before 1.21 do not know it.
    chosen = subprocess.run([found, "env", "GOTOOLCHAIN"], capture_output=True, text=True, cwd="/")
    if asked.returncode:
        return {}
    return {**dict(zip(names, asked.stdout.splitlines(), strict=False)), "GOTOOLCHAIN": chosen.stdout.strip()}


def control_groups(root: Path = Path("/")) -> ControlGroups:
    """From the kind of what is mounted in /sys/fs/cgroup, which /proc/self/mounts says."""
    mounts = [line.split() for line in (root / "proc/self/mounts").read_text().splitlines()]
    top = "/sys/fs/cgroup"
    if any(kind == "cgroup2" and point == top for _, point, kind, *_ in mounts):
        return ControlGroups(2, frozenset((root / "sys/fs/cgroup/cgroup.controllers").read_text().split()))
    options = [fields[3].split(",") for fields in mounts if fields[2] == "cgroup" and fields[1].startswith(top)]
    if not options:
        return ControlGroups(0, frozenset())
    return ControlGroups(1, frozenset(option for of_one in options for option in of_one))


def room_at(folder: Path) -> Room:
    """Of the nearest folder that exists: what is to be written is often not there yet."""
    while not folder.exists():
        folder = folder.parent
    return Room(free=shutil.disk_usage(folder).free, device=folder.stat().st_dev)


def _places(go: Mapping[str, str]) -> Mapping[str, Path]:
    fallback = {"GOMODCACHE": Path.home() / "go/pkg/mod", "GOCACHE": Path.home() / ".cache/go-build"}
    caches = {name: Path(go[name]) if go.get(name) else folder for name, folder in fallback.items()}
    return {
        "Go's module cache": caches["GOMODCACHE"],
        "Go's build cache": caches["GOCACHE"],
        "tools, machine image and packages": cache_dir(),
        "machines": state_dir(),
    }
