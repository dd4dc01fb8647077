"""What the sandbox occupies on its host at one moment, as named figures.

What it must have given back after a destroy (machines, networks, mounts, loop devices) the drills check; here is what
may grow while it runs.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sandbox.cloud.namespace import run

Footprint = Mapping[str, int]
"""Figures by what they count; the unit is in the name."""

_STATE_PARTS = ("account", "machines", "volumes", "pulumi-state", "pulumi-home")


def footprint(state: Path, supervisor: int) -> Footprint:
    """The figures of the sandbox in `state` with this supervisor process."""
    return {
        "state on disk, KiB": disk_kib(state),
        **{f"state on disk: {part}, KiB": disk_kib(state / part) for part in _STATE_PARTS},
        "supervisor: memory, KiB": memory_kib(supervisor),
        "supervisor: threads": len(list(Path(f"/proc/{supervisor}/task").iterdir())),
        "supervisor: open files": len(list(Path(f"/proc/{supervisor}/fd").iterdir())),
        "supervisor: child processes": len(descendants_of(supervisor, parents())),
    }


def descendants_of(ancestor: int, parents: Mapping[int, int]) -> set[int]:
    """Children, their children and so on. `parents` maps a process id to its parent's."""
    found: set[int] = set()
    while more := {pid for pid, parent in parents.items() if parent in found | {ancestor}} - found:
        found |= more
    return found


def parents() -> Mapping[int, int]:
    """Of every process: its parent's id."""
    rows = (line.split() for line in run("ps", "-e", "-o", "pid=,ppid=").splitlines())
    return {int(process): int(parent) for process, parent in rows}


def memory_kib(process: int) -> int:
    """Resident memory; nothing for a process that has ended meanwhile."""
    listed = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True)
    return int(listed.stdout or 0)


def cpu_seconds_in(stat: str, ticks: int) -> float:
    """CPU time of a process and of the children that it waited for, in a line of /proc/PID/stat."""
    return sum(map(int, stat.rpartition(")")[2].split()[11:15])) / ticks


def cpu_seconds(process: int) -> float:
    """As cpu_seconds_in; nothing for a process that has ended meanwhile, which its parent then counts."""
    try:
        return cpu_seconds_in(Path(f"/proc/{process}/stat").read_text(), os.sysconf("SC_CLK_TCK"))
    except (FileNotFoundError, ProcessLookupError):
        return 0


def disk_kib(folder: Path) -> int:
    """Blocks in use, so that a sparse file counts what is written; mounts inside are left out. 0 where nothing is."""
    if not folder.exists():
        return 0
    outcome = subprocess.run(
        ["du", "--summarize", "--one-file-system", "--block-size=1K", str(folder)], capture_output=True, text=True
    )
    # A file that vanishes meanwhile makes du complain after it has counted.
    return int(outcome.stdout.split()[0])
