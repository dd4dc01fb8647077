"""What the machines of a stack say before a restore: `quorate-node restore evidence` of each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.node.restore.record import Record, record_of
from operations.errors import OperationFailed
from operations.remote.evidence import last_object


@dataclass(frozen=True)
class Member:
    """`why` says why it does not serve, "" where it does; then `revision`, `keys` and `size` (bytes) are what it has.

    `set_aside` are the ids of earlier restores whose data of before is on the disk, the newest last, and whether that
    is more than an empty folder.
    """

    why: str
    revision: int
    keys: int
    size: int
    version: str
    authorities: Sequence[str]
    has_data: bool
    free: int
    set_aside: Mapping[str, bool]


@dataclass(frozen=True)
class ControlPlane:
    """`why` says why its API server is not ready, "" where it is. `has_api_server` says whether it ever had one."""

    why: str
    has_api_server: bool
    kubernetes_version: str
    authorities: Sequence[str]
    secrets_keys: Sequence[str]


@dataclass(frozen=True)
class Evidence:
    """Of one machine. `member` and `control_plane` are None where it is none."""

    machine: str
    cluster: str
    record: Record | None
    member: Member | None
    control_plane: ControlPlane | None


def read_evidence(machine: str, printed: str) -> Evidence:
    """What a machine printed. Raises OperationFailed."""
    try:
        found = last_object(printed)
        record = found["record"]
        return Evidence(
            machine,
            str(found["cluster"]),
            record_of(record) if record else None,
            _member(found["member"]) if found["member"] is not None else None,
            _control_plane(found["controlPlane"]) if found["controlPlane"] is not None else None,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise OperationFailed(
            f"{machine} answered with something else than evidence ({error}): run `pulumi up`, which delivers this "
            "release's program"
        ) from None


def records(found: Iterable[Evidence]) -> Sequence[Record]:
    """Of all machines, each restore once, the newest last."""
    newest: dict[str, Record] = {}
    for each in found:
        if record := each.record:
            before = newest.get(record.id, record)
            # A machine may not have come as far as another.
            newest[record.id] = Record(
                record.id,
                record.snapshot,
                record.bump,
                record.begun,
                undo=record.undo or before.undo,
                serves=record.serves or before.serves,
                replaces=record.replaces,
            )
    return [newest[id] for id in sorted(newest)]


def _member(found: Mapping[str, Any]) -> Member:
    return Member(
        why=str(found["why"]),
        revision=int(found["revision"]),
        keys=int(found["keys"]),
        size=int(found["bytes"]),
        version=str(found["version"]),
        authorities=list(found["authorities"]),
        has_data=bool(found["hasData"]),
        free=int(found["freeBytes"]),
        set_aside=dict(found["setAside"]),
    )


def _control_plane(found: Mapping[str, Any]) -> ControlPlane:
    return ControlPlane(
        why=str(found["why"]),
        has_api_server=bool(found["hasApiServer"]),
        kubernetes_version=str(found["kubernetesVersion"]),
        authorities=list(found["authorities"]),
        secrets_keys=list(found["secretsKeys"]),
    )
