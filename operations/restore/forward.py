"""`restore`: to a snapshot in the bucket."""

from __future__ import annotations

import json

from components.node.etcd.snapshot.due import read_time
from components.node.restore.record import Record
from operations.backups.snapshots import LATEST
from operations.errors import OperationFailed
from operations.restore.call import Call, Snapshots
from operations.restore.choice import meant
from operations.restore.course import Wanted
from operations.restore.judgement import age, bump, is_way_back, loss, refusals, under_way


def restore(call: Call, bucket: Snapshots, name: str = LATEST, at: str = "") -> None:
    """Begins a restore, or goes on with the one that is under way. Raises OperationFailed."""
    seen = call.look()
    record = under_way(seen.all)
    if record:
        _check_same(record, name, at)
        name, at = record.snapshot, ""
    found = bucket.snapshots()
    snapshot = meant(found, name, at)
    manifest = snapshot.manifest
    assert manifest
    call.refuse([*seen.silent, *refusals(manifest, call.cluster, call.members, seen.found)])
    if record:
        call.operator.say(f"going on with the restore of {record.snapshot} that was begun at {record.begun}")
    else:
        # Snapshots may know of a time that no member knows any more.
        known = [each.member.revision for each in seen.all if each.member]
        stored = [each.manifest.revision for each in found if each.manifest]
        record = call.new_record(snapshot.folder, bump(manifest.revision, [*known, *stored]))
        what = f"restore the snapshot {snapshot.folder} into {call.cluster}"
        call.confirm(what, loss(manifest, seen.all, call.operator.now()))
    # Good for minutes, which nobody may have spent on an answer.
    source = json.loads(bucket.offer(snapshot).text())
    course = call.course(record)
    course.restore(Wanted(source, manifest.revision, manifest.keys))
    lost = age(read_time(record.begun) - read_time(manifest.time))
    call.report(course, f"{call.cluster} is back at {manifest.time}, {lost} before this restore was begun")


def _check_same(record: Record, name: str, at: str) -> None:
    """Raises OperationFailed where something else is under way than what is asked for."""
    if is_way_back(record):
        raise OperationFailed(
            f"going back is under way since {record.begun}: `python -m operations restore --undo` goes on with it"
        )
    if at or name not in (LATEST, record.snapshot, record.snapshot.partition("/")[2]):
        raise OperationFailed(
            f"a restore of {record.snapshot} is under way since {record.begun}, and another snapshot is asked for. "
            "Finish that first (`python -m operations restore` goes on with it), or go back (`--undo`)"
        )
