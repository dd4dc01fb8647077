"""What of a stack needs its operator. Pure: judged by what machines and the cluster's API have said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from components.backups.retention import overdue_minutes
from components.node.control_plane.load_balancers import SETTLED
from components.node.etcd.snapshot.due import read_time
from components.plan import Plan, PlannedMachine
from operations.backups.snapshots import age
from operations.status.observed import Certificate, ObservedCluster, ObservedMachine, ObservedMember

_DAY: Final = 86_400
_MIB: Final = 1024**2
# A renewal takes a `pulumi up`, at a time that its operator chooses.
EXPIRES_SOON: Final = 60 * _DAY
EXPIRES_NOW: Final = 14 * _DAY
# The kubelet evicts pods below a tenth of a node's disk, and refuses images below 15 in 100.
DISK_LOW: Final = 0.15
DISK_FULL: Final = 0.05
# Of etcd's quota, at which it takes nothing but deletions.
QUOTA_CLOSE: Final = 0.75
QUOTA_REACHED: Final = 0.9
# What etcd's authors call fast enough for the log's disk (https://etcd.io/docs/v3.6/faq/).
FSYNC_SLOW: Final = 0.01


@dataclass(frozen=True)
class Observation:
    """What was found, by machine, and the sentences that say why others said nothing; `cluster` is None where no API
    server answered, `cluster_why` why.
    """

    machines: Mapping[str, ObservedMachine]
    silent: Sequence[str] = ()
    cluster: ObservedCluster | None = None
    cluster_why: str = ""


@dataclass(frozen=True)
class Assessment:
    """`problems` are what does not work or soon won't, `warnings` what is to be looked at in its own time."""

    problems: Sequence[str] = field(default_factory=tuple)
    warnings: Sequence[str] = field(default_factory=tuple)


# Whether it is a problem, and what it is.
_Finding = tuple[bool, str]


def judge(plan: Plan, seen: Observation, now: float) -> Assessment:
    """`now` is in seconds since 1970."""
    found = [
        *((True, sentence) for sentence in seen.silent),
        *_of_machines(seen, now),
        *_of_etcd(plan, seen),
        *_of_cluster(plan, seen),
        *_of_snapshots(plan, seen, now),
    ]
    return Assessment([text for serious, text in found if serious], [text for serious, text in found if not serious])


def _of_machines(seen: Observation, now: float) -> Iterator[_Finding]:
    for name, machine in seen.machines.items():
        if machine.restore_since:
            yield True, f"{name}: a restore is under way since {machine.restore_since}: finish it, or go back"
        if machine.clock:
            yield True, f"{name}: the clock can't be trusted: {machine.clock}"
        if machine.failed_units:
            units = ", ".join(machine.failed_units)
            yield True, f"{name}: failed units: {units}; `systemctl status` there says why"
        if machine.awaits_reboot:
            yield False, f"{name}: updates wait for a reboot"
        for disk in machine.disks:
            if disk.why:
                yield True, f"{name}: the disk at {disk.path} can't be read: {disk.why}"
            elif disk.free < DISK_LOW * disk.size:
                what = f"{disk.free / _MIB:.0f} of {disk.size / _MIB:.0f} MiB are free"
                yield disk.free < DISK_FULL * disk.size, f"{name}: {disk.path} is nearly full: {what}"
        for certificate in machine.certificates:
            yield from _of_certificate(name, certificate, now)


def _of_certificate(name: str, certificate: Certificate, now: float) -> Iterator[_Finding]:
    left = certificate.expires - now
    if certificate.why:
        yield True, f"{name}: {certificate.path} can't be read: {certificate.why}"
    elif left <= 0:
        yield True, f"{name}: {certificate.path} ({certificate.holder}) expired {age(-left)} ago"
    elif left < EXPIRES_SOON:
        yield left < EXPIRES_NOW, f"{name}: {certificate.path} ({certificate.holder}) expires in {age(left)}"


def _of_etcd(plan: Plan, seen: Observation) -> Iterator[_Finding]:
    members = {name: machine.member for name, machine in seen.machines.items() if machine.member}
    leaders = set()
    for name, member in members.items():
        if member.why:
            yield True, f"{name}: the etcd member does not serve: {member.why}"
        if not member.status:
            continue
        leaders |= {member.status.leader}
        if member.status.quota and member.status.size >= QUOTA_CLOSE * member.status.quota:
            share = f"{member.status.size / member.status.quota:.0%} of etcd.quotaMib"
            yield (
                member.status.size >= QUOTA_REACHED * member.status.quota,
                f"{name}: etcd's database has {share}; at all of it, etcd takes nothing but deletions: raise it",
            )
        if member.fsync is not None and member.fsync > FSYNC_SLOW:
            yield False, f"{name}: etcd's disk is slow: {_fsync(member)}, and it needs {FSYNC_SLOW * 1000:.0f} ms"
    if len(leaders) > 1:
        yield True, "the etcd members don't agree on a leader; ask again, as this is so for a moment in an election"
    yield from _of_membership(plan.members, members)


def _fsync(member: ObservedMember) -> str:
    assert member.fsync is not None
    bound = "more than 8 s" if member.fsync == float("inf") else f"up to {member.fsync * 1000:.0f} ms"
    return f"99 of 100 writes take {bound}"


def _of_membership(planned: Sequence[PlannedMachine], members: Mapping[str, ObservedMember]) -> Iterator[_Finding]:
    names = {machine.address: machine.name for machine in planned}
    known = dict.fromkeys(each for member in members.values() for each in member.known)
    for member in known:
        if member.address not in names:
            yield True, f"etcd has a member {member.id} at {member.address}, where no machine of this stack holds one"
        elif member.learner:
            yield True, f"{names[member.address]}: the etcd member has no vote yet"
    known_at = {member.address for member in known}
    for address, name in names.items():
        if known and address not in known_at:
            yield True, f"{name}: the other etcd members know none there; run `pulumi refresh` and `pulumi up`"


def _of_cluster(plan: Plan, seen: Observation) -> Iterator[_Finding]:
    for name, machine in seen.machines.items():
        if machine.api_server:
            yield True, f"{name}: the API server is not ready: {machine.api_server}"
    if not seen.cluster:
        yield True, f"nodes and pods are not known: {seen.cluster_why}"
        return
    yield from _of_nodes(plan, seen.cluster)
    for workload in seen.cluster.workloads:
        if workload.available < workload.wanted:
            yield True, f"{workload.name}: {workload.available} of {workload.wanted} pods are available"
    yield from ((True, f"pod {name} is not ready: {why}") for name, why in seen.cluster.pods.items())
    if seen.cluster.targets_why:
        yield False, f"the load balancers could not be asked: {seen.cluster.targets_why}"
    for target in seen.cluster.targets:
        if target.state not in SETTLED:
            reason = f" ({target.reason})" if target.reason else ""
            yield True, f"{target.address} is {target.state} in {target.group}{reason}"


def _of_nodes(plan: Plan, cluster: ObservedCluster) -> Iterator[_Finding]:
    nodes = {node.name: node for node in cluster.nodes}
    for machine in plan.control_planes:
        if machine.name not in nodes:
            yield True, f"{machine.name}: it is no node of the cluster; run `pulumi refresh` and `pulumi up`"
    pools = {pool.name: pool.minimum for pool in plan.settings.workers}
    for name, minimum in pools.items():
        ready = sum(node.ready for node in cluster.nodes if node.pool == name)
        if ready < minimum:
            yield True, f"pool {name} has {ready} nodes Ready of at least {minimum}"
    wanted, planned = plan.settings.cluster.kubernetes_version, {machine.name for machine in plan.control_planes}
    for node in cluster.nodes:
        if not node.ready:
            yield True, f"node {node.name} is not Ready: {node.reason}"
        if node.pressures:
            yield True, f"node {node.name} has {', '.join(node.pressures)}"
        if node.cordoned:
            yield False, f"node {node.name} is cordoned: it takes no more pods until `kubectl uncordon`"
        if node.version and node.version != wanted:
            yield False, f"node {node.name} runs Kubernetes {node.version}, and the stack names {wanted}"
        if node.name not in planned and node.pool not in pools:
            yield False, f"node {node.name} is neither a control plane of this stack nor of one of its pools"


def _of_snapshots(plan: Plan, seen: Observation, now: float) -> Iterator[_Finding]:
    backups = plan.settings.backups
    if not backups.enabled:
        return
    last = last_snapshot(seen)
    if last is None:
        yield True, "no snapshot of etcd counts yet: `python -m operations backups` says why"
    elif now - last > overdue_minutes(backups) * 60:
        yield True, f"the last snapshot of etcd is {age(now - last)} old, and the next one overdue"
    last_time = _time_of_last(seen)
    for name, machine in seen.machines.items():
        failure, success = (_dict(machine.snapshots.get(one)) for one in ("lastFailure", "lastSuccess"))
        if failure and str(failure.get("time", "")) > max(str(success.get("time", "")), last_time):
            yield False, f"{name}: its last snapshot failed at {failure.get('time')}: {failure.get('reason')}"


def last_snapshot(seen: Observation) -> int | None:
    """When the cluster's last snapshot was begun, by what its machines know, in seconds since 1970."""
    try:
        return read_time(_time_of_last(seen))
    except ValueError:
        return None


def _time_of_last(seen: Observation) -> str:
    noted = (_dict(machine.snapshots.get("lastOfCluster")) for machine in seen.machines.values())
    return max((str(each.get("time", "")) for each in noted), default="")


def _dict(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}
