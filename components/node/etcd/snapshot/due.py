"""When a snapshot is due, what it is called, and how long it is kept. Pure."""

from __future__ import annotations

import calendar
import json
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# In etcd: what was taken last, by whichever machine.
LAST_KEY: Final = "quorate/snapshot/last"
_ID_TIME = "%Y%m%dT%H%M%SZ"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class SnapshotClass(StrEnum):
    """The first snapshot of a month, the first of a day, and all others: each is kept for so long as its class is."""

    ALL = "all"
    DAILY = "daily"
    MONTHLY = "monthly"


@dataclass(frozen=True)
class Last:
    """The last snapshot that counts; `time` is when it was begun, in seconds since 1970."""

    id: str
    time: int
    machine: str

    def text(self) -> str:
        """As it stands below LAST_KEY."""
        return json.dumps({"id": self.id, "time": iso_time(self.time), "machine": self.machine})


def read_last(text: str) -> Last | None:
    """What `Last.text` wrote; None for anything else."""
    try:
        found = json.loads(text)
        return Last(str(found["id"]), read_time(found["time"]), str(found["machine"]))
    except (ValueError, KeyError, TypeError):
        return None


def is_due(last: Last | None, now: float, hours: float) -> bool:
    """Whether the last one is older than `hours`. One from the future was taken by a wrong clock, and says nothing
    beyond that time either.
    """
    return last is None or abs(now - last.time) >= hours * 3600


def rests(failed: int | None, now: float, hours: float) -> bool:
    """Whether a machine whose attempt `failed` leaves it to the others: a quarter of the interval, and an hour at most.

    What fails again and again must not cost the member's disk a copy every ten minutes.
    """
    return failed is not None and abs(now - failed) < min(hours / 4, 1) * 3600


def class_of(last: Last | None, now: float) -> SnapshotClass:
    """The class of a snapshot of `now`. Months and days are those of UTC."""
    if last is None:
        return SnapshotClass.MONTHLY
    then, this = time.gmtime(last.time), time.gmtime(now)
    if then[:2] != this[:2]:
        return SnapshotClass.MONTHLY
    return SnapshotClass.ALL if then[:3] == this[:3] else SnapshotClass.DAILY


def id_of(machine: str, now: float) -> str:
    return f"{time.strftime(_ID_TIME, time.gmtime(now))}-{machine}"


def read_time(text: str) -> int:
    """What `iso_time` wrote. Raises ValueError or TypeError for anything else."""
    return calendar.timegm(time.strptime(text, _TIME))


def iso_time(moment: float) -> str:
    return time.strftime(_TIME, time.gmtime(moment))
