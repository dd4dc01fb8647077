"""What the sandbox could leave behind on its host."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HostFacts:
    """Names of what exists on the host, each kind sorted."""

    links: tuple[str, ...]
    routes: tuple[str, ...]
    namespaces: tuple[str, ...]
    mounts: tuple[str, ...]
    loop_devices: tuple[str, ...]
    control_groups: tuple[str, ...]
    limits: tuple[str, ...]
    firewall: str
    processes: tuple[str, ...]


def host_facts() -> HostFacts:
    return HostFacts(
        links=tuple(sorted(link["ifname"] for link in json.loads(_said("ip", "-j", "link")))),
        routes=tuple(sorted(_said("ip", "route").splitlines())),
        namespaces=tuple(sorted(path.name for path in _entries("/run/netns"))),
        mounts=tuple(sorted(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())),
        loop_devices=tuple(sorted(_said("losetup", "--noheadings", "--output", "BACK-FILE").split())),
        control_groups=tuple(sorted(str(path) for path in Path("/sys/fs/cgroup").glob("*/quorate*"))),
        limits=tuple(path.read_text() for path in sorted(Path("/proc/sys/fs/inotify").glob("max_user_*"))),
        firewall=_said("nft", "list", "ruleset"),
        processes=tuple(sorted(_sandbox_processes())),
    )


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _entries(folder: str) -> list[Path]:
    return list(Path(folder).iterdir()) if Path(folder).is_dir() else []


def _sandbox_processes() -> list[str]:
    marks = ("sandbox.supervisor", "kubelet", "containerd", "etcd", "machine-init", "haproxy")
    lines = _said("ps", "axww", "-o", "args").splitlines()
    return [line for line in lines if any(mark in line for mark in marks)]
