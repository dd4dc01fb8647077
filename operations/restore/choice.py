"""Which snapshot of those in the bucket is meant. Pure."""

from __future__ import annotations

import calendar
import time
from collections.abc import Sequence
from typing import Final

from components.node.etcd.snapshot.due import iso_time
from operations.backups.snapshots import Snapshot, chosen, counting
from operations.errors import OperationFailed

_TIMES: Final = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")


def meant(found: Sequence[Snapshot], name: str, at: str) -> Snapshot:
    """The snapshot with the id `name`, or the newest that counts and was begun at `at` or before, where that is not "".

    `found` has the newest first. Raises OperationFailed, with what there is.
    """
    if not at:
        return chosen(found, name)
    moment, counts = _moment_of(at), counting(found)
    if before := [each for each in counts if each.time <= moment]:
        return before[0]
    oldest = f"the oldest that counts is {counts[-1].id} of {iso_time(counts[-1].time)}" if counts else "none counts"
    raise OperationFailed(f"no snapshot is of {at} or before: {oldest}")


def _moment_of(text: str) -> int:
    for form in _TIMES:
        try:
            return calendar.timegm(time.strptime(text, form))
        except ValueError:
            continue
    raise OperationFailed(f"--at {text} is no time; write it in UTC, as 2026-11-28T09:30Z")
