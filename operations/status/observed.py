"""What the machines of a stack say of themselves (`quorate-node observe`) and of the cluster (`observe-cluster`). Pure.

Everywhere `why` says why something is not well, "" where it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from operations.errors import OperationFailed
from operations.remote.evidence import last_object


@dataclass(frozen=True)
class Disk:
    """Sizes in bytes."""

    path: str
    size: int
    free: int
    why: str = ""


@dataclass(frozen=True)
class Certificate:
    """`expires` is in seconds since 1970; 0 where it can't be read."""

    path: str
    holder: str
    expires: float
    why: str = ""


@dataclass(frozen=True)
class KnownMember:
    """A member of etcd as another one knows it."""

    id: str
    address: str
    learner: bool


@dataclass(frozen=True)
class MemberStatus:
    """Sizes in bytes. `leader` is the id of the one that it follows, "" where there is none."""

    id: str
    leader: str
    version: str
    size: int
    used: int
    quota: int
    revision: int


@dataclass(frozen=True)
class ObservedMember:
    """`fsync` are the seconds within which 99 of 100 writes of its log reached the disk; None where that is unknown."""

    why: str
    status: MemberStatus | None
    known: Sequence[KnownMember]
    fsync: float | None


@dataclass(frozen=True)
class ObservedMachine:
    """`member` is None on a machine that holds none, `api_server` on one without an API server; `snapshots` is what it
    has noted of them; `restore_since` when a restore began that is under way there.
    """

    cluster: str
    clock: str
    awaits_reboot: bool
    failed_units: Sequence[str]
    disks: Sequence[Disk]
    certificates: Sequence[Certificate]
    member: ObservedMember | None
    api_server: str | None
    snapshots: Mapping[str, Any]
    restore_since: str


@dataclass(frozen=True)
class ObservedNode:
    """As the API has it. `reason` is that of its condition Ready; `pressures` are those that should not be true."""

    name: str
    pool: str
    ready: bool
    reason: str
    version: str
    cordoned: bool
    pressures: Sequence[str]


@dataclass(frozen=True)
class Workload:
    """NAMESPACE/KIND/NAME of the system's, and how many pods of it there should be and are."""

    name: str
    wanted: int
    available: int


@dataclass(frozen=True)
class ObservedTarget:
    """An API server in a target group."""

    group: str
    address: str
    state: str
    reason: str


@dataclass(frozen=True)
class ObservedCluster:
    """`pods` are those of the system that are not ready, each with the reason; `targets_why` says why the load
    balancers could not be asked.
    """

    nodes: Sequence[ObservedNode]
    workloads: Sequence[Workload]
    pods: Mapping[str, str]
    targets: Sequence[ObservedTarget]
    targets_why: str


def read_machine(name: str, printed: str) -> ObservedMachine:
    """What the machine `name` printed. Raises OperationFailed."""
    try:
        found = last_object(printed)
        return ObservedMachine(
            cluster=str(found["cluster"]),
            clock=str(found["clock"]),
            awaits_reboot=bool(found["awaitsReboot"]),
            failed_units=[str(unit) for unit in found["failedUnits"]],
            disks=[
                Disk(str(each["path"]), int(each["bytes"]), int(each["freeBytes"]), str(each["why"]))
                for each in found["disks"]
            ],
            certificates=[
                Certificate(str(each["path"]), str(each["holder"]), _seconds(each["expires"]), str(each["why"]))
                for each in found["certificates"]
            ],
            member=_member(found["member"]) if found["member"] is not None else None,
            api_server=str(found["apiServer"]) if found["apiServer"] is not None else None,
            snapshots=dict(found["snapshots"]),
            restore_since=str(found["restoreSince"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _not_understood(name, error) from None


def read_cluster(name: str, printed: str) -> ObservedCluster:
    """What the control plane `name` printed. Raises OperationFailed."""
    try:
        found = last_object(printed)
        return ObservedCluster(
            nodes=[_node(each) for each in found["nodes"]],
            workloads=[
                Workload(str(each["name"]), int(each["wanted"]), int(each["available"])) for each in found["workloads"]
            ],
            pods={str(each["name"]): str(each["why"]) for each in found["pods"]},
            targets=[
                ObservedTarget(str(each["group"]), str(each["address"]), str(each["state"]), str(each["reason"]))
                for each in found["targets"]
            ],
            targets_why=str(found["targetsWhy"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _not_understood(name, error) from None


def _not_understood(name: str, error: Exception) -> OperationFailed:
    return OperationFailed(
        f"{name} answered with something else than evidence ({error}): run `pulumi up`, which delivers this release's "
        "program"
    )


def _member(found: Mapping[str, Any]) -> ObservedMember:
    status = found["status"]
    return ObservedMember(
        str(found["why"]),
        _status(status) if status is not None else None,
        [KnownMember(str(each["id"]), str(each["address"]), bool(each["isLearner"])) for each in found["known"]],
        float(found["fsyncSeconds"]) if found["fsyncSeconds"] is not None else None,
    )


def _status(found: Mapping[str, Any]) -> MemberStatus:
    return MemberStatus(
        id=str(found["id"]),
        leader=str(found["leader"]),
        version=str(found["version"]),
        size=int(found["bytes"]),
        used=int(found["usedBytes"]),
        quota=int(found["quotaBytes"]),
        revision=int(found["revision"]),
    )


def _node(found: Mapping[str, Any]) -> ObservedNode:
    return ObservedNode(
        name=str(found["name"]),
        pool=str(found["pool"]),
        ready=found["ready"] == "True",
        reason=str(found["reason"]) or "Ready is not reported",
        version=str(found["version"]).removeprefix("v"),
        cordoned=found["unschedulable"] == "true",
        pressures=[each for each in str(found["conditions"]).split() if each != "Ready"],
    )


def _seconds(time: str) -> float:
    return datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp() if time else 0
