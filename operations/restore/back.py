"""`restore --undo`: back to the data that was there before a restore.

Before any API server has started on the restored data, members get their old data back as it is. Afterwards clients
have seen revisions that the old data lacks: then it is restored like a snapshot, with a revision beyond those.
"""

from __future__ import annotations

import dataclasses
import json

from components.delivery.node_files import PROGRAM
from components.node.restore.record import Record
from operations.errors import OperationFailed
from operations.remote.evidence import last_object
from operations.restore.call import Call, Seen
from operations.restore.course import RESTORE, Wanted
from operations.restore.judgement import (
    ASIDE,
    bump,
    can_go_back,
    is_way_back,
    members_with_data,
    set_aside_by_all,
    under_way,
    untouched,
)


def undo(call: Call) -> None:
    """Begins to go back, or goes on with it. Raises OperationFailed."""
    seen = call.look()
    call.refuse(seen.silent)
    record = under_way(seen.all)
    if record is None:
        _restore_set_aside(call, seen, set_aside_by_all(call.members, seen.found), None)
    elif record.snapshot.startswith(ASIDE):
        _restore_set_aside(call, seen, record.snapshot.removeprefix(ASIDE), record)
    elif record.serves:
        _restore_set_aside(call, seen, record.id, None, replaces=record.id)
    else:
        _put_back(call, seen, record)


def _put_back(call: Call, seen: Seen, record: Record) -> None:
    if untouched(record, seen.all):
        call.course(record).end()
        call.operator.say("no data was exchanged and nothing was stopped yet: the restore is given up")
        return
    call.refuse([*can_go_back(record.id, call.members, seen.found)])
    if not is_way_back(record):
        call.confirm(f"end the restore of {record.snapshot}, and go back to the data of before in {call.cluster}", [])
    with_data = members_with_data(record.id, call.members, seen.found)
    course = call.course(dataclasses.replace(record, undo=True))
    course.undo(with_data)
    call.report(course, f"{call.cluster} is back at the data that it had before")
    for name in sorted({*call.members} - {*with_data}):
        call.operator.say(
            f"{name} had no data before, and its etcd does not run: let it enter again with `sudo {PROGRAM} "
            "configure-etcd-member` on that machine; where etcd is stacked, as docs/operate.md says of a lost disk"
        )


def _restore_set_aside(call: Call, seen: Seen, restore: str, record: Record | None, replaces: str = "") -> None:
    call.refuse([*can_go_back(restore, call.members, seen.found, all_of_them=True)])
    held = call.machines.on_all(call.members, lambda name: _set_aside(call, name, restore)).all()
    if len({each["revision"] for each in held.values()}) != 1:
        shown = ", ".join(f"{name} is at revision {each['revision']}" for name, each in held.items())
        raise OperationFailed(
            f"nothing was changed: what was set aside differs from member to member ({shown}), so they could not begin "
            f"with it together. The data is in /var/lib/etcd/data.before-restore-{restore} on each; docs/operate.md "
            "says how to begin with that of one member"
        )
    (first, *_) = held.values()
    revision = int(first["revision"])
    if record is None:
        known = [each.member.revision for each in seen.all if each.member]
        record = call.new_record(f"{ASIDE}{restore}", bump(revision, known), replaces)
        what = f"go back in {call.cluster} to the data that the restore {restore} has set aside"
        call.confirm(what, ["everything that was written since that restore is lost"])
    else:
        call.operator.say(f"going on with the way back that was begun at {record.begun}")
    course = call.course(record)
    course.restore(Wanted({"setAsideBy": restore}, revision))
    call.report(course, f"{call.cluster} is back at the data of before the restore {restore}")


def _set_aside(call: Call, name: str, restore: str) -> dict[str, int]:
    printed = call.machines.ask(name, (*RESTORE, "set-aside"), json.dumps({"setAsideBy": restore}).encode(), 1800)
    try:
        return {key: int(value) for key, value in last_object(printed).items()}
    except ValueError as error:
        raise OperationFailed(f"{name} does not say what was set aside there: {error}") from None
