"""Which snapshots count, how old they are, and when the next one is overdue."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from components.backups.retention import lost_minutes, overdue_minutes
from components.settings.model import BackupSettings
from operations.backups.snapshots import age, chosen, counting, lines, problems, snapshots
from operations.errors import OperationFailed
from tests.operations.backups.recorded import HOUR, MANIFEST, NOON, folder, listed, manifest, texts

BACKUPS = BackupSettings(enabled=True, interval_hours=6)
OLDER, NEWER = manifest(NOON - 6 * HOUR, "etcd-1"), manifest(NOON, "etcd-0", "daily")
NAMES = {"10.20.32.20": "etcd-0", "10.20.64.20": "etcd-1", "10.20.96.20": "etcd-2"}


def test_the_newest_comes_first_whichever_its_class() -> None:
    found = snapshots(listed(OLDER, NEWER), texts(OLDER, NEWER))
    assert [each.id for each in found] == ["20261130T120000Z-etcd-0", "20261130T060000Z-etcd-1"]
    assert [each.flaw for each in found] == ["", ""]
    assert found[0].key == "daily/20261130T120000Z-etcd-0/etcd.db"


def test_the_table_has_what_an_operator_chooses_by() -> None:
    cut_off = [{"Key": "all/20261130T180000Z-etcd-2/etcd.db", "Size": 1}]
    found = snapshots([*listed(OLDER, NEWER), *cut_off], texts(OLDER, NEWER))
    now = NOON + 30 * HOUR + 61
    assert [" ".join(line.split()) for line in lines(found, NAMES, now)] == [
        "ID CLASS AGE SIZE REVISION KEYS TAKEN BY COMPARED WITH",
        "20261130T180000Z-etcd-2 all - - - - - does not count: it has no manifest: it is being added, or was cut off",
        "20261130T120000Z-etcd-0 daily 1 d 6 h 12.3 MiB 41812 1213 etcd-0 etcd-0, etcd-1, etcd-2",
        "20261130T060000Z-etcd-1 all 1 d 12 h 12.3 MiB 41812 1213 etcd-1 etcd-0, etcd-1, etcd-2",
    ]
    columns = {line.index("12.3 MiB") for line in list(lines(found, NAMES, now))[2:]}
    assert len(columns) == 1, "they stand below each other"


def test_a_member_that_the_plan_has_no_more_is_shown_by_its_address() -> None:
    one = manifest(NOON, compared_with=["https://10.20.64.99:2379"])
    assert "10.20.64.99" in list(lines(snapshots(listed(one), texts(one)), NAMES, NOON))[1]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0 min"), (59, "0 min"), (61 * 60, "1 h 1 min"), (24 * HOUR, "1 d 0 h"), (50 * HOUR, "2 d 2 h")],
)
def test_an_age_has_two_units(seconds: float, said: str) -> None:
    assert age(seconds) == said


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"id": "another"}, "its manifest is that of daily/another"),
        ({"retention": "all"}, "its manifest is that of all/20261130T120000Z-etcd-0"),
        ({"bytes": 7}, "its etcd.db has 12900384 bytes, and 7 by its manifest"),
        ({"verified": False}, "by its manifest it was never restored"),
        ({"format": 2}, "the manifest has the format 2"),
    ],
)
def test_a_manifest_that_does_not_fit_what_lies_beside_it_makes_it_not_count(
    changes: dict[str, Any], flaw: str
) -> None:
    text = json.dumps({**json.loads(NEWER.text()), **changes})
    (found,) = snapshots(listed(NEWER), {f"{folder(NEWER)}/manifest.json": text})
    assert found.flaw.startswith(flaw)
    assert counting([found]) == []
    with pytest.raises(OperationFailed, match=f"{NEWER.id} does not count: "):
        chosen([found], NEWER.id)


def test_half_a_snapshot_does_not_count() -> None:
    for number, flaw in ((0, "its etcd.db is gone"), (1, "it has no manifest: it is being added, or was cut off")):
        left = [each for position, each in enumerate(listed(NEWER)) if position != number]
        assert [each.flaw for each in snapshots(left, texts(NEWER))] == [flaw]
    assert [each.flaw for each in snapshots(listed(NEWER), {})] == ["its manifest could not be read"]


def test_what_else_lies_in_the_bucket_is_no_snapshot() -> None:
    assert snapshots([{"Key": "notes/a/etcd.db", "Size": 1}, {"Key": "readme", "Size": 1}], {}) == []


def test_one_is_chosen_by_its_id_or_as_the_latest_that_counts() -> None:
    found = snapshots([*listed(OLDER, NEWER), {"Key": "all/20261130T180000Z-etcd-2/etcd.db", "Size": 1}],
                      texts(OLDER, NEWER))  # fmt: skip
    assert chosen(found, "latest").id == NEWER.id
    assert chosen(found, OLDER.id).manifest == OLDER
    assert chosen(found, folder(OLDER)).manifest == OLDER
    with pytest.raises(OperationFailed, match="there is no snapshot 2026 in the bucket; `python -m operations"):
        chosen(found, "2026")
    with pytest.raises(OperationFailed, match="no snapshot in the bucket counts"):
        chosen(found[:1], "latest")


def test_the_next_one_is_overdue_once_the_last_is_older_than_it_ever_is_while_they_succeed() -> None:
    found = snapshots(listed(NEWER), texts(NEWER))
    most = overdue_minutes(BACKUPS) * 60
    assert most > lost_minutes(BACKUPS) * 60 > BACKUPS.interval_hours * HOUR
    assert list(problems(found, BACKUPS, NOON + most)) == []
    assert list(problems(found, BACKUPS, NOON + most + 1)) == [
        "the next one is overdue: the last one that counts, 20261130T120000Z-etcd-0, is 6 h 43 min old, and with "
        "backups.intervalHours 6 none is older than 6 h 43 min"
    ]
    assert list(problems(found, dataclasses.replace(BACKUPS, interval_hours=12), NOON + most + 1)) == []


def test_one_that_does_not_count_does_not_end_the_wait_for_the_next() -> None:
    cut_off = {"Key": "all/20261130T235900Z-etcd-2/etcd.db", "Size": 1}
    found = snapshots([*listed(NEWER), cut_off], texts(NEWER))
    assert "is overdue" in next(problems(found, BACKUPS, NOON + 12 * HOUR))


def test_no_snapshot_and_one_of_the_future_are_problems() -> None:
    assert next(problems([], BACKUPS, NOON)).startswith("no snapshot counts yet; ")
    found = snapshots(listed(NEWER), texts(NEWER))
    assert "is of the future: a clock is wrong" in next(problems(found, BACKUPS, NOON - 12 * HOUR))
    assert list(problems(found, BACKUPS, NOON - 60)) == [], "clocks differ a little"


def test_the_recorded_manifest_is_one() -> None:
    assert manifest(NOON, "etcd-0", "daily") == MANIFEST
