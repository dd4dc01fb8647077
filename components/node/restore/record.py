"""Whether a restore is under way on this machine, in a file that every step asks that would disturb it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from components.node.common import log
from components.node.common.failure import Failure
from components.node.common.files import content_of, install_text

RECORD: Final = Path("/var/lib/quorate/restore.json")


@dataclass(frozen=True)
class Record:
    """A restore, from its first change of a machine until it has ended: the same on all of the cluster's machines.

    `id` names what it makes on disks, and is part of the new cluster's token. `snapshot` is CLASS/ID in the bucket, or
    the id of an earlier restore whose data set aside is taken. `bump` is what is added to the snapshot's revision.
    `undo` says that it goes back to the data set aside, `serves` that API servers were started on the restored data.
    `replaces` is the id of the restore that was under way when this one began, if there was one.
    """

    id: str
    snapshot: str
    bump: int
    begun: str
    undo: bool = False
    serves: bool = False
    replaces: str = ""


def read_record(path: Path = RECORD) -> Record | None:
    """None where no restore is under way. Raises Failure for a file that says something else."""
    text = content_of(path)
    if text is None:
        return None
    try:
        return record_of(json.loads(text))
    except ValueError as error:
        raise Failure(f"{path} can't be read ({error}): it says which restore is under way here") from error


def record_of(values: Mapping[str, Any]) -> Record:
    """Raises ValueError for what is no record."""
    known = {field.name: field.type for field in dataclasses.fields(Record)}
    types = {"str": str, "int": int, "bool": bool}
    found = {name: value for name, value in values.items() if name in known}
    if wrong := [name for name, value in found.items() if not isinstance(value, types[str(known[name])])]:
        raise ValueError(f"its {', '.join(wrong)} is something else than was written")
    try:
        return Record(**found)
    except TypeError:
        raise ValueError("it is not complete") from None


def write_record(record: Record, path: Path = RECORD) -> None:
    install_text(path, f"{json.dumps(dataclasses.asdict(record), indent=2)}\n", 0o600)


def remove_record(path: Path = RECORD) -> None:
    path.unlink(missing_ok=True)


def refuse_while_restoring(path: Path | None = None) -> None:
    """Raises Failure while a restore is under way."""
    if record := read_record(path or RECORD):
        raise Failure(
            f"a restore of snapshot {record.snapshot} is under way since {record.begun}; nothing was changed. Finish "
            "it with `python -m operations restore`, or go back with `python -m operations restore --undo`"
        )


def rests_while_restoring(path: Path | None = None) -> bool:
    """Whether a restore is under way, which is reported: a timer's step then does nothing."""
    record = read_record(path or RECORD)
    if record:
        log.report(f"a restore of snapshot {record.snapshot} is under way: nothing to do until it has ended")
    return record is not None
