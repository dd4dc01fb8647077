"""What the machines of the shipped `prod` say when all is well, to be changed by tests."""

from __future__ import annotations

import dataclasses
from typing import Any

from components.plan import Plan
from operations.status.judgement import Observation
from operations.status.observed import (
    Certificate,
    Disk,
    KnownMember,
    MemberStatus,
    ObservedCluster,
    ObservedMachine,
    ObservedMember,
    ObservedNode,
    ObservedTarget,
    Workload,
)
from tests.components.stacks import settings_of

NOW = 1_796_040_000  # 2026-11-30T12:00:00Z
HOUR = 3600
DAY = 86_400
MIB = 1024**2
GIB = 1024**3
LAST = {"id": "20261130T110000Z-etcd-0", "time": "2026-11-30T11:00:00Z", "machine": "etcd-0"}


def plan(stack: str = "prod", **changes: Any) -> Plan:
    return Plan(settings_of(stack, **changes))


def observation(of: Plan) -> Observation:
    """All is well."""
    machines = {machine.name: _machine(of, machine.name) for machine in (*of.control_planes, *of.etcd_machines)}
    return Observation(machines, (), _cluster(of))


def with_machine(seen: Observation, name: str, **changes: Any) -> Observation:
    """One of the machines says something else."""
    return dataclasses.replace(
        seen, machines={**seen.machines, name: dataclasses.replace(seen.machines[name], **changes)}
    )


def with_member(seen: Observation, name: str, **changes: Any) -> Observation:
    """One of the members says something else, of its status by `status__NAME`."""
    member = seen.machines[name].member
    assert member
    assert member.status
    status = {key.removeprefix("status__"): value for key, value in changes.items() if key.startswith("status__")}
    others = {key: value for key, value in changes.items() if not key.startswith("status__")}
    changed = dataclasses.replace(member, **{"status": dataclasses.replace(member.status, **status), **others})
    return with_machine(seen, name, member=changed)


def with_cluster(seen: Observation, **changes: Any) -> Observation:
    assert seen.cluster
    return dataclasses.replace(seen, cluster=dataclasses.replace(seen.cluster, **changes))


def _machine(of: Plan, name: str) -> ObservedMachine:
    control_planes = {machine.name for machine in of.control_planes}
    holds_member = name in {machine.name for machine in of.members}
    return ObservedMachine(
        cluster=of.settings.cluster.name,
        clock="",
        awaits_reboot=False,
        failed_units=(),
        disks=[Disk("/", 30 * GIB, 20 * GIB), *([Disk("/var/lib/etcd", 20 * GIB, 19 * GIB)] if holds_member else [])],
        certificates=[Certificate("/etc/pki/a.crt", "CN=a", NOW + 300 * DAY)],
        member=_member(of, name) if holds_member else None,
        api_server="" if name in control_planes else None,
        snapshots={"lastOfCluster": LAST} if holds_member else {},
        restore_since="",
    )


def _member(of: Plan, name: str) -> ObservedMember:
    ids = {machine.name: f"{number}a" for number, machine in enumerate(of.members)}
    return ObservedMember(
        "",
        MemberStatus(ids[name], "0a", "3.6.14", 40 * MIB, 20 * MIB, 2048 * MIB, 4711),
        [KnownMember(ids[machine.name], machine.address, learner=False) for machine in of.members],
        0.008,
    )


def _cluster(of: Plan) -> ObservedCluster:
    nodes = [(machine.name, "") for machine in of.control_planes]
    nodes += [(f"{pool.name}-i-0{each}", pool.name) for pool in of.settings.workers for each in range(pool.minimum)]
    return ObservedCluster(
        nodes=[ObservedNode(name, pool, True, "KubeletReady", "1.36.4", False, ()) for name, pool in nodes],
        workloads=[Workload("kube-system/deployment/coredns", 2, 2)],
        pods={},
        targets=[
            ObservedTarget(group, machine.address, "healthy", "")
            for group in of.target_group_names
            for machine in of.control_planes
        ],
        targets_why="",
    )
