"""CPU time and memory of a machine, from its control group: version 1 or 2, whichever the host has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_MEBIBYTE = 1024**2


@dataclass(frozen=True)
class MachineUse:
    """What a machine's processes have used (`cpu_seconds`, since its boot) and hold (MiB).

    `working_set` is what the kubelet counts: all but files that have not been read for a while. `anonymous` is what
    could not be given back.
    """

    cpu_seconds: float
    anonymous_mib: float
    working_set_mib: float


def use_of(instance_id: str, root: Path = _ROOT) -> MachineUse:
    """Raises FileNotFoundError where the machine does not run."""
    unified = root / "quorate" / instance_id
    if (unified / "cpu.stat").exists():
        memory = _numbers(unified / "memory.stat")
        current = int((unified / "memory.current").read_text())
        return MachineUse(
            cpu_seconds=_numbers(unified / "cpu.stat")["usage_usec"] / 1e6,
            anonymous_mib=memory["anon"] / _MEBIBYTE,
            working_set_mib=(current - memory["inactive_file"]) / _MEBIBYTE,
        )
    memory = _numbers(root / "memory/quorate" / instance_id / "memory.stat")
    current = int((root / "memory/quorate" / instance_id / "memory.usage_in_bytes").read_text())
    return MachineUse(
        cpu_seconds=int((root / "cpuacct/quorate" / instance_id / "cpuacct.usage").read_text()) / 1e9,
        anonymous_mib=memory["total_rss"] / _MEBIBYTE,
        working_set_mib=(current - memory["total_inactive_file"]) / _MEBIBYTE,
    )


def added(uses: Sequence[MachineUse]) -> MachineUse:
    """What all of them use."""
    return MachineUse(
        sum(use.cpu_seconds for use in uses),
        sum(use.anonymous_mib for use in uses),
        sum(use.working_set_mib for use in uses),
    )


def _numbers(file: Path) -> dict[str, int]:
    return {key: int(value) for key, value in (line.split() for line in file.read_text().splitlines())}
