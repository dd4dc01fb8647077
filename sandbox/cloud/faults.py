"""Faults that last until they are healed: what is cut off from the rest of the region, what ails load balancers, and
which of AWS's services are silent.

A cut silently drops every packet between what is inside and what is outside; inside, all goes on. Instance metadata
stays: on EC2 it is served on the machine's own host.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.cloud.addresses import METADATA_ADDRESS

TABLE = "inet quorate-faults"
SLOW_BALANCERS = "slow"
FAILING_CHECKS = "failing checks"
PARAMETER_STORE = "ssm"
LATE_PROFILES = "late profiles"
LATE_PROFILE_SECONDS = 15
"""Until EC2 knows an instance profile, where it learns of them late: some 10 s, by the AWS provider's own comment."""


@dataclass(frozen=True)
class Cut:
    """`interfaces` are links of machines, `addresses` the region's own in there (nodes of load balancers)."""

    interfaces: tuple[str, ...]
    addresses: tuple[str, ...] = ()


def ruleset(cuts: Sequence[Cut]) -> str:
    """The text for `nft -f`: replaces the whole table in one transaction, before any other filter (pure)."""
    lines = [f"table {TABLE}", f"delete table {TABLE}"]
    if not any(cut.interfaces or cut.addresses for cut in cuts):
        return "\n".join(lines) + "\n"
    lines.append(f"table {TABLE} {{")
    chains = {
        "forward": [rule for cut in cuts for rule in _forward(cut)],
        "input": [rule for cut in cuts for rule in _own(cut, "iifname", "daddr")],
        "output": [rule for cut in cuts for rule in _own(cut, "oifname", "saddr")],
    }
    for hook, rules in chains.items():
        lines += [f"  chain {hook} {{ type filter hook {hook} priority -10; policy accept;"]
        lines += [f"    {rule}" for rule in rules]
        lines += ["  }"]
    return "\n".join([*lines, "}"]) + "\n"


def _forward(cut: Cut) -> list[str]:
    if not cut.interfaces:
        return []
    inside = _set(f'"{name}"' for name in cut.interfaces)
    return [f"iifname {inside} oifname != {inside} drop", f"oifname {inside} iifname != {inside} drop"]


def _own(cut: Cut, interface: str, address: str) -> list[str]:
    """Rules for the region's own end: by which field a packet names the link that it takes, and the address there."""
    if not cut.interfaces:
        return [f"ip {address} {_set(cut.addresses)} drop"] if cut.addresses else []
    inside = _set(f'"{name}"' for name in cut.interfaces)
    rules = [f"{interface} {inside} ip {address} != {_set((METADATA_ADDRESS, *cut.addresses))} drop"]
    if cut.addresses:
        rules.append(f"{interface} != {inside} ip {address} {_set(cut.addresses)} drop")
    return rules


def _set(items: Iterable[str]) -> str:
    return "{ " + ", ".join(items) + " }"


class Faults:
    """What holds now, kept in a file: names of zones and ids of machines that are cut off, load balancers' faults, and
    AWS's services that are silent, as their endpoints' names begin.

    Those who change it at the same time wait for each other.
    """

    def __init__(self, file: Path) -> None:
        told = json.loads(file.read_text()) if file.exists() else {}
        self._file = file
        self._lock = threading.Lock()
        self.zones = frozenset[str](told.get("zones", ()))
        self.machines = frozenset[str](told.get("machines", ()))
        self.balancers = frozenset[str](told.get("balancers", ()))
        self.services = frozenset[str](told.get("services", ()))

    def cut_zone(self, name: str, is_cut: bool) -> None:
        with self._lock:
            self.zones = self.zones | {name} if is_cut else self.zones - {name}
            self._save()

    def cut_machine(self, instance_id: str, is_cut: bool) -> None:
        with self._lock:
            self.machines = self.machines | {instance_id} if is_cut else self.machines - {instance_id}
            self._save()

    def ail_balancers(self, fault: str) -> None:
        """From now on the fault holds for load balancers; an empty one heals them."""
        with self._lock:
            self.balancers = self.balancers | {fault} if fault else frozenset()
            self._save()

    def silence(self, service: str, is_silent: bool) -> None:
        with self._lock:
            self.services = self.services | {service} if is_silent else self.services - {service}
            self._save()

    def is_silent(self, host: str) -> bool:
        """Whether nothing that is sent to a host of AWS arrives."""
        return host.partition(".")[0] in self.services

    def _save(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_suffix(".partial")
        told = {
            "zones": self.zones,
            "machines": self.machines,
            "balancers": self.balancers,
            "services": self.services,
        }
        partial.write_text(json.dumps({kind: sorted(names) for kind, names in told.items()}))
        partial.replace(self._file)
