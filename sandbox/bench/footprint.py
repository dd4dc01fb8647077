"""What the sandbox occupies on its host at one moment, as named figures."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sandbox.cloud import namespace
from sandbox.cloud.addresses import NAMESPACE

Footprint = Mapping[str, int]
"""Figures by what they count; the unit is in the name."""

_STATE_PARTS = ("account", "machines", "volumes", "pulumi-state", "pulumi-home")


def footprint(state: Path, supervisor: int, temporary: Path) -> Footprint:
    """The figures of the sandbox in `state` with this supervisor process; `temporary` is pulumi's."""
    everything = all_processes()
    descendants = descendants_of(supervisor, everything)
    ours = descendants | belonging_processes(everything, (str(state), "/quorate/i-"))
    return {
        "state on disk, KiB": disk_kib(state),
        **{f"state on disk: {part}, KiB": disk_kib(state / part) for part in _STATE_PARTS},
        "supervisor: memory, KiB": status_field(supervisor, "VmRSS"),
        "supervisor: threads": status_field(supervisor, "Threads"),
        "supervisor: open files": len(list(Path(f"/proc/{supervisor}/fd").iterdir())),
        "supervisor: child processes": len(descendants),
        "processes of the sandbox besides": len(ours - descendants - {supervisor}),
        "machines on disk": len(list((state / "machines").glob("i-*"))),
        "containers": len(_entries(state / "runc")),
        "volume files": len(list((state / "volumes").glob("*.img"))),
        "loop devices": len(_said("losetup", "--noheadings", "--output", "NAME").split()),
        "mounts of the host": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "network namespaces": len(_entries(Path("/run/netns"))),
        "links of the host": len(json.loads(_said("ip", "-j", "link"))),
        "links of the region": len(json.loads(_said("ip", "-n", NAMESPACE, "-j", "link"))),
        "routes of the region": len(_said("ip", "-n", NAMESPACE, "route").splitlines()),
        "nftables rules of the region": _rules_of_the_region(),
        "control groups": sum(1 for _ in _control_groups()),
        "temporary files of pulumi": len(_entries(temporary)),
    }


def descendants_of(ancestor: int, processes: Mapping[int, tuple[int, str]]) -> set[int]:
    """Children, their children and so on. `processes` maps a process id to its parent's and a description."""
    found: set[int] = set()
    while True:
        more = {pid for pid, (parent, _) in processes.items() if parent in found | {ancestor}} - found
        if not more:
            return found
        found |= more


def belonging_processes(processes: Mapping[int, tuple[int, str]], marks: Sequence[str]) -> set[int]:
    """Processes whose description (command line and control groups) contains one of the marks."""
    return {pid for pid, (_, text) in processes.items() if any(mark in text for mark in marks)}


def parent_in(stat: str) -> int:
    """The parent's id in a line of /proc/PID/stat; the command in it may hold spaces and brackets."""
    return int(stat.rpartition(")")[2].split()[1])


def field_in(status: str, name: str) -> int:
    """A number of /proc/PID/status, in its own unit (memory: KiB). Raises KeyError."""
    for line in status.splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise KeyError(f"no {name} in the process status")


def cpu_seconds_in(stat: str, ticks: int) -> float:
    """CPU time of a process and of the children that it waited for, in a line of /proc/PID/stat."""
    return sum(map(int, stat.rpartition(")")[2].split()[11:15])) / ticks


def count_rules(listed: str) -> int:
    """Rules in what `nft --json list ruleset` says."""
    return sum(1 for item in json.loads(listed)["nftables"] if "rule" in item)


def all_processes() -> Mapping[int, tuple[int, str]]:
    """Of every process with a command line: its parent's id, and its command line and control groups as one text."""
    found: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if command:
                text = f"{command}\n{(folder / 'cgroup').read_text()}"
                found[int(folder.name)] = (parent_in((folder / "stat").read_text()), text)
        except (FileNotFoundError, ProcessLookupError):
            continue  # It ended while we looked.
    return found


def status_field(process: int, name: str) -> int:
    return field_in(Path(f"/proc/{process}/status").read_text(), name)


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


def _rules_of_the_region() -> int:
    return count_rules(namespace.run("ip", "netns", "exec", NAMESPACE, "nft", "--json", "list", "ruleset"))


def _control_groups() -> Iterable[Path]:
    root = Path("/sys/fs/cgroup")
    for top in (*root.glob("quorate*"), *root.glob("*/quorate*")):
        if top.is_dir():
            yield top
            yield from (path for path in top.rglob("*") if path.is_dir())


def _said(*command: str) -> str:
    return namespace.run(*command)


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
