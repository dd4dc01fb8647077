"""How long snapshots are kept. Pure.

A snapshot's class is the first part of its key in the bucket, and S3 removes by it. The machine that takes a snapshot
says which class it is of: the first of a month, else the first of a day, else one of all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from components.node.etcd.snapshot.due import SnapshotClass
from components.settings.model import BackupSettings

# Of a month, at the longest.
_DAYS_OF_A_MONTH: Final = 31
_DAYS_OF_A_YEAR: Final = 365
# What was deleted can be brought back for so long: a mistake on a Friday is noticed on a Monday.
UNDO_DAYS: Final = 7
# An upload takes minutes.
UNFINISHED_DAYS: Final = 1
# The longest between two looks of a machine whether a snapshot is due: node/units/quorate-snapshot.timer.
LOOK_MINUTES: Final = 13
# Longer than several GiB are copied, restored, compared and added.
_MAKING_MINUTES: Final = 30


def kept_days(backups: BackupSettings) -> Mapping[SnapshotClass, int]:
    """Days until a snapshot of each class ends. The first of a month is the first of its day, too."""
    return {
        SnapshotClass.ALL: backups.keep_all_days,
        SnapshotClass.DAILY: backups.retention_days,
        SnapshotClass.MONTHLY: max(backups.retention_days, backups.keep_monthly_months * _DAYS_OF_A_MONTH),
    }


def stored_snapshots(backups: BackupSettings) -> int:
    """How many are in the bucket in the long run, with deleted ones for as long as they can be brought back."""
    days, each_day = kept_days(backups), 24 / backups.interval_hours
    others = max(0.0, each_day - 1) * (days[SnapshotClass.ALL] + UNDO_DAYS)
    daily = min(1.0, each_day) * (days[SnapshotClass.DAILY] + UNDO_DAYS)
    longer = (days[SnapshotClass.MONTHLY] - days[SnapshotClass.DAILY]) * 12 / _DAYS_OF_A_YEAR
    return math.ceil(others + daily + longer)


def lost_minutes(backups: BackupSettings) -> int:
    """The oldest that the last snapshot is while snapshots succeed, its own making and proving left out."""
    return backups.interval_hours * 60 + LOOK_MINUTES


def overdue_minutes(backups: BackupSettings) -> int:
    """The last snapshot is not older than this while they succeed: what is older has missed a turn."""
    return lost_minutes(backups) + _MAKING_MINUTES
