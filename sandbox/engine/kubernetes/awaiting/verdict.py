"""What a readiness condition sees and says. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sandbox.engine.kubernetes.objects import Kind, Object

PODS = Kind("", "v1", "Pod")
REPLICA_SETS = Kind("apps", "v1", "ReplicaSet")
CLAIMS = Kind("", "v1", "PersistentVolumeClaim")
ENDPOINTS = Kind("", "v1", "Endpoints")
SERVICES = Kind("", "v1", "Service")
STORAGE_CLASSES = Kind("storage.k8s.io", "v1", "StorageClass")

DEFAULT_SECONDS = 600.0


@dataclass(frozen=True)
class Snapshot:
    """The object as it is now, and others of its namespace by kind."""

    obj: Object
    others: Mapping[Kind, Sequence[Object]] = field(default_factory=dict)

    def of(self, kind: Kind) -> Sequence[Object]:
        return self.others.get(kind, ())


@dataclass(frozen=True)
class Verdict:
    """Whether the object is ready, what to show meanwhile, and what is wrong so far.

    `failed`: waiting longer is of no use. `settle_key`: the verdict holds only when this has not changed for
    `settle_seconds`.
    """

    ready: bool
    status: str = ""
    problems: tuple[str, ...] = ()
    failed: bool = False
    settle_key: str = ""
    settle_seconds: float = 0.0


class Condition(Protocol):
    """Readiness of one kind: `watched` are the other kinds whose objects it looks at."""

    @property
    def watched(self) -> tuple[Kind, ...]: ...

    @property
    def seconds(self) -> float: ...

    def judge(self, snapshot: Snapshot) -> Verdict: ...


@dataclass(frozen=True)
class Simple:
    """A condition that needs the object alone."""

    judged_by: Callable[[Object], Verdict]
    seconds: float = DEFAULT_SECONDS
    watched: tuple[Kind, ...] = ()

    def judge(self, snapshot: Snapshot) -> Verdict:
        return self.judged_by(snapshot.obj)


READY = Verdict(ready=True)
