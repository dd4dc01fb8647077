"""How long snapshots of each class are kept, and how many that makes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from components.backups.retention import (
    LOOK_MINUTES,
    UNDO_DAYS,
    kept_days,
    lost_minutes,
    overdue_minutes,
    stored_snapshots,
)
from components.node.etcd.snapshot.due import SnapshotClass
from components.settings.model import BackupSettings


def test_each_class_ends_after_its_own_days() -> None:
    kept = kept_days(BackupSettings(keep_all_days=3, retention_days=20, keep_monthly_months=2))
    assert kept == {SnapshotClass.ALL: 3, SnapshotClass.DAILY: 20, SnapshotClass.MONTHLY: 62}


@pytest.mark.parametrize(("months", "days"), [(0, 30), (1, 90), (12, 400)])
def test_the_first_snapshot_of_a_month_is_kept_as_long_as_that_of_its_day_at_least(months: int, days: int) -> None:
    kept = kept_days(BackupSettings(retention_days=days, keep_monthly_months=months))
    assert kept[SnapshotClass.MONTHLY] == days


def counted(backups: BackupSettings) -> int:
    """Snapshots in the bucket after four years of taking them, one by one."""
    now = datetime(2030, 3, 15)
    kept, found = kept_days(backups), 0
    taken, last = datetime(2026, 1, 1), datetime(2025, 1, 1)
    while taken <= now:
        kind = SnapshotClass.ALL
        if (taken.year, taken.month) != (last.year, last.month):
            kind = SnapshotClass.MONTHLY
        elif taken.date() != last.date():
            kind = SnapshotClass.DAILY
        found += now - taken < timedelta(days=kept[kind] + UNDO_DAYS)
        last, taken = taken, taken + timedelta(hours=backups.interval_hours)
    return found


@pytest.mark.parametrize(
    "backups",
    [
        BackupSettings(),
        BackupSettings(interval_hours=1, retention_days=90),
        BackupSettings(interval_hours=48, keep_monthly_months=0),
        BackupSettings(interval_hours=24, keep_all_days=30, keep_monthly_months=36),
    ],
)
def test_the_number_of_snapshots_that_are_paid_for_is_that_of_the_bucket(backups: BackupSettings) -> None:
    assert abs(stored_snapshots(backups) - counted(backups)) <= 3 + 0.02 * counted(backups)


def test_what_may_be_lost_is_the_interval_and_the_time_until_a_machine_looks() -> None:
    assert lost_minutes(BackupSettings(interval_hours=2)) == 120 + LOOK_MINUTES


def test_the_minutes_between_two_looks_are_those_of_the_timer() -> None:
    timer = (resources.files("components.node") / "units/quorate-snapshot.timer").read_text()
    minutes = {name: int(value) for name, value in re.findall(r"^(\w+)=(\d+)min$", timer, re.MULTILINE)}
    assert minutes["OnUnitInactiveSec"] + minutes["RandomizedDelaySec"] == LOOK_MINUTES


def test_the_next_one_is_overdue_when_its_making_has_had_its_time_too_as_operators_are_told() -> None:
    more = overdue_minutes(BackupSettings(interval_hours=6)) - 6 * 60
    assert more > LOOK_MINUTES
    told = (Path(__file__).resolve().parents[3] / "docs/operate.md").read_text()
    assert f"older than `intervalHours` and {more} minutes" in told
    assert f"max(quorate_etcd_snapshot_interval_seconds) + {more * 60}\n" in told
