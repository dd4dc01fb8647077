"""Faults: what is cut off from the rest of the region, silently, until it is healed.

A cut drops every packet between what is inside and what is outside; inside, all goes on. Instance metadata stays: on
EC2 it is served on the machine's own host.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.cloud.addresses import METADATA_ADDRESS

TABLE = "inet quorate-faults"


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


@dataclass
class Cuts:
    """What is cut off now, by zone name and by instance id, kept in a file."""

    file: Path
    zones: set[str] = field(default_factory=set)
    machines: set[str] = field(default_factory=set)

    @classmethod
    def kept_in(cls, file: Path) -> Cuts:
        if not file.exists():
            return cls(file)
        told = json.loads(file.read_text())
        return cls(file, set(told["zones"]), set(told["machines"]))

    def save(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_suffix(".partial")
        partial.write_text(json.dumps({"zones": sorted(self.zones), "machines": sorted(self.machines)}))
        partial.replace(self.file)
