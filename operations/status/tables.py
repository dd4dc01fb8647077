"""What is there, as tables. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from components.plan import Plan
from operations.backups.snapshots import age, utc
from operations.status.judgement import Observation, last_snapshot
from operations.status.observed import ObservedMachine, ObservedNode
from operations.text_table import text_table

_MIB: Final = 1024**2
_GIB: Final = 1024**3


def tables(plan: Plan, seen: Observation, now: float) -> Iterator[str]:
    """Lines: machines, etcd, nodes, and the certificate that ends first."""
    yield from text_table(_machines(plan, seen))
    if members := _members(seen):
        yield ""
        yield from text_table(members)
    if seen.cluster and seen.cluster.nodes:
        yield ""
        yield from text_table([_NODES, *(_node(node) for node in seen.cluster.nodes)])
    yield ""
    yield from _certificates(seen, now)
    yield from _snapshots(plan, seen, now)


_MACHINES: Final = ("MACHINE", "API SERVER", "ETCD", "DISKS FREE", "CLOCK")
_MEMBERS: Final = ("ETCD MEMBER", "VERSION", "ROLE", "DATABASE", "IN USE", "QUOTA", "REVISION", "WRITES TAKE")
_NODES: Final = ("NODE", "POOL", "READY", "KUBERNETES", "TAKES PODS")


def _machines(plan: Plan, seen: Observation) -> Sequence[Sequence[str]]:
    names = (machine.name for machine in plan.control_planes_and_members)
    return [_MACHINES, *(_machine(name, seen.machines.get(name)) for name in names)]


def _machine(name: str, machine: ObservedMachine | None) -> Sequence[str]:
    if machine is None:
        return (name, "?", "?", "?", "?")
    disks = ", ".join(f"{disk.path} {disk.free / _GIB:.1f} of {disk.size / _GIB:.1f} GiB" for disk in machine.disks)
    member = machine.member.why if machine.member else None
    return (name, _well(machine.api_server), _well(member), disks, "right" if not machine.clock else "wrong")


def _well(why: str | None) -> str:
    if why is None:
        return "-"
    return "fails" if why else "serves"


def _members(seen: Observation) -> Sequence[Sequence[str]]:
    rows = []
    for name, machine in seen.machines.items():
        if machine.member and (status := machine.member.status):
            sizes = (status.size, status.used, status.quota)
            shown = [f"{size / _MIB:.1f} MiB" for size in sizes]
            fsync = machine.member.fsync
            slowest = "?" if fsync is None else f"up to {fsync * 1000:.0f} ms" if fsync < float("inf") else "over 8 s"
            role = "leader" if status.id == status.leader else "follower" if status.leader else "no leader"
            rows.append((name, status.version, role, *shown, str(status.revision), slowest))
    return [_MEMBERS, *rows] if rows else []


def _node(node: ObservedNode) -> Sequence[str]:
    takes = "no" if node.cordoned or not node.ready else "yes"
    return (node.name, node.pool or "-", "yes" if node.ready else "no", node.version, takes)


def _certificates(seen: Observation, now: float) -> Iterator[str]:
    ends = [
        (certificate.expires, name, certificate.path)
        for name, machine in seen.machines.items()
        for certificate in machine.certificates
        if not certificate.why
    ]
    if ends:
        expires, name, path = min(ends)
        left = f"in {age(expires - now)}" if expires > now else "it is over"
        yield f"the first of {len(ends)} certificates expires {utc(expires)}, {left}: {name} {path}"


def _snapshots(plan: Plan, seen: Observation, now: float) -> Iterator[str]:
    if not plan.settings.backups.enabled:
        yield "snapshots of etcd are off (backups.enabled)"
    elif (last := last_snapshot(seen)) is not None:
        yield f"the last snapshot of etcd was begun {utc(last)}, {age(now - last)} ago"
