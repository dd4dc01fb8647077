"""Machines of the sandbox under measurement: which there are, what they say, and when they did what."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.bench.timeline import MachineTimes
from sandbox.errors import SandboxError
from sandbox.status import machine_names, machines

_PREPARED = "prepare-machine: done"


@dataclass(frozen=True)
class Fleet:
    """Instance ids of a cluster's machines by their part in it; etcd members and control planes by number."""

    etcd: Sequence[str]
    control_planes: Sequence[str]
    workers: Sequence[str]
    bastions: Sequence[str]

    @property
    def everyone(self) -> Sequence[str]:
        return [*self.etcd, *self.control_planes, *self.workers, *self.bastions]

    @property
    def nodes(self) -> int:
        return len(self.control_planes) + len(self.workers)


def fleet(cluster: str) -> Fleet:
    """The running machines of a cluster. Raises SandboxError for one that is not this cluster's."""
    names = machine_names()
    return sorted_fleet(cluster, {instance: names.get(instance, "") for instance in machines().ids()})


def sorted_fleet(cluster: str, names: Mapping[str, str]) -> Fleet:
    """`names` are tags by instance id. Pure. Raises SandboxError for a name that is not this cluster's."""
    parts: dict[str, list[tuple[int, str]]] = {"etcd": [], "control-plane": [], "bastion": [], "": []}
    for instance, name in names.items():
        own = re.fullmatch(rf"{re.escape(cluster)}-(?:(etcd|control-plane)-(\d+)|(bastion)|.+)", name)
        if own is None:
            raise SandboxError(f"{instance} is called {name!r}, which is no machine of the cluster {cluster}")
        parts[own[1] or own[3] or ""].append((int(own[2] or 0), instance))
    ordered = {part: [instance for _, instance in sorted(found)] for part, found in parts.items()}
    return Fleet(ordered["etcd"], ordered["control-plane"], ordered[""], ordered["bastion"])


def on_machine(instance_id: str, *command: str, stdin: str = "") -> str:
    """Standard output of a command as root. Raises SandboxError with the end of what it said."""
    outcome = subprocess.run(machines().inside(instance_id, *command), input=stdin, capture_output=True, text=True)
    if outcome.returncode:
        last = "\n".join((outcome.stdout + outcome.stderr).strip().splitlines()[-20:])
        raise SandboxError(f"`{' '.join(command)}` on {instance_id} ended with {outcome.returncode}:\n{last}")
    return outcome.stdout


def times(instance_id: str, prepares: bool) -> MachineTimes:
    """When it booted and was prepared. Machines share the host's clock."""
    booted = microseconds(on_machine(instance_id, "systemctl", "show", "--property=UserspaceTimestampMonotonic")) / 1e6
    if not prepares:
        return MachineTimes(booted, None)
    units = ("--unit=quorate-prepare.service", "--unit=quorate-join.service")
    journal = on_machine(instance_id, "journalctl", *units, "--output=json", "--no-pager")
    return MachineTimes(booted, first_said(journal, _PREPARED) / 1e6)


def microseconds(shown: str) -> int:
    """The number in what `systemctl show --property=NAME` says. Raises SandboxError for one that was never set."""
    value = int(shown.partition("=")[2])
    if not value:
        raise SandboxError(f"systemd has no time for {shown.strip()}")
    return value


def first_said(journal: str, text: str) -> int:
    """The first entry with that text in a journal (JSON lines), in microseconds of the monotonic clock."""
    for line in journal.splitlines():
        entry = json.loads(line)
        if text in str(entry["MESSAGE"]):
            return int(entry["__MONOTONIC_TIMESTAMP"])
    raise SandboxError(f"no entry of the journal says {text!r}")
