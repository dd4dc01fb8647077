"""Which snapshot of those in the bucket is meant. Pure."""

from __future__ import annotations

import calendar
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from components.node.etcd.snapshot.due import iso_time, time_of
from operations.errors import OperationFailed

LATEST: Final = "latest"
_TIMES: Final = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")


@dataclass(frozen=True)
class Stored:
    """A snapshot in the bucket that counts."""

    retention: str
    id: str

    @property
    def folder(self) -> str:
        return f"{self.retention}/{self.id}"

    @property
    def time(self) -> int:
        """When it was begun, in seconds since 1970."""
        return time_of(self.id)

    def __str__(self) -> str:
        return f"{self.folder} of {iso_time(self.time)}"


def stored_at(folder: str) -> Stored | None:
    """The snapshot in a folder of the bucket; None for a name that no snapshot has."""
    retention, _, id = folder.partition("/")
    try:
        time_of(id)
    except ValueError:
        return None
    return Stored(retention, id)


def newest(stored: Sequence[Stored]) -> Stored:
    """Raises OperationFailed where there is none."""
    if not stored:
        raise OperationFailed("the bucket has no snapshot with a manifest: there is nothing to restore")
    return max(stored, key=lambda each: each.time)


def chosen(stored: Sequence[Stored], snapshot: str, at: str) -> Stored:
    """The snapshot with the id `snapshot`, or else the newest: that was begun at `at` or before, unless that is "".

    Raises OperationFailed, with what there is.
    """
    last = newest(stored)
    there = f"the oldest is {min(stored, key=lambda each: each.time)}, the newest {last}"
    if snapshot != LATEST:
        for each in stored:
            if snapshot in (each.id, each.folder):
                return each
        raise OperationFailed(f"the bucket has no snapshot {snapshot}; {there}")
    if not at:
        return last
    moment = _moment_of(at)
    if before := [each for each in stored if each.time <= moment]:
        return newest(before)
    raise OperationFailed(f"no snapshot is of {at} or before; {there}")


def _moment_of(text: str) -> int:
    for form in _TIMES:
        try:
            return calendar.timegm(time.strptime(text, form))
        except ValueError:
            continue
    raise OperationFailed(f"--at {text} is no time; write it in UTC, as 2026-11-28T09:30Z")
