"""When a snapshot is taken, by which machine, and for how long it is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from components.node.common.failure import Failure
from components.node.etcd.client import Alarm
from components.node.etcd.cluster_lock import cluster_lock
from components.node.etcd.snapshot import take
from components.node.etcd.snapshot.due import Last, class_of, is_due, iso_time, read_last, rests
from components.node.etcd.snapshot.outcome import failed_at, read_outcome
from components.node.etcd.snapshot.take import take_snapshot
from tests.components.node.etcd.gateway import Authority
from tests.components.node.etcd.snapshot_world import BUCKET, HOUR, NOON, World


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        (None, "2026-11-30T12:00:00Z", "monthly"),
        ("2026-11-30T06:00:00Z", "2026-11-30T12:00:00Z", "all"),
        ("2026-11-29T23:59:00Z", "2026-11-30T00:01:00Z", "daily"),
        ("2026-11-30T23:59:00Z", "2026-12-01T00:01:00Z", "monthly"),
        ("2025-11-30T12:00:00Z", "2026-11-30T12:00:00Z", "monthly"),
        ("2026-10-30T12:00:00Z", "2026-11-30T12:00:00Z", "monthly"),
    ],
)
def test_the_first_of_a_month_and_of_a_day_are_kept_for_longer(last: str | None, now: str, expected: str) -> None:
    before = last and read_last(json.dumps({"id": "one", "time": last, "machine": "etcd-0"}))
    this = read_last(json.dumps({"id": "two", "time": now, "machine": "etcd-0"}))
    assert this is not None
    assert class_of(before or None, this.time) == expected


@pytest.mark.parametrize(("ago", "due"), [(0, False), (6 * HOUR - 1, False), (6 * HOUR, True), (-7 * HOUR, True)])
def test_one_is_due_when_the_last_is_as_old_as_the_interval_or_was_taken_by_a_wrong_clock(
    ago: float, due: bool
) -> None:
    assert is_due(Last("one", int(NOON - ago), "etcd-0"), NOON, 6) is due


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"id": "a", "time": "yesterday", "machine": "b"}'])
def test_what_is_no_note_of_a_snapshot_counts_as_none(text: str) -> None:
    assert read_last(text) is None


def test_a_snapshot_is_added_with_its_manifest_and_noted_in_etcd(world: World, authority: Authority) -> None:
    of = world.sources[1]
    take_snapshot(of)
    folder = "monthly/20261130T120000Z-etcd-1"
    assert world.objects == [f"{folder}/etcd.db", f"{folder}/manifest.json"]
    database = world.members.database
    content = database + hashlib.sha256(database).digest()
    assert world.aws.buckets[BUCKET][f"{folder}/etcd.db"].body == content, "as etcdctl would have written it"
    (manifest,) = world.manifests
    der = authority.fingerprint
    assert manifest == {
        "format": 1,
        "id": "20261130T120000Z-etcd-1",
        "retention": "monthly",
        "cluster": "test",
        "machine": "etcd-1",
        "time": "2026-11-30T12:00:00Z",
        "etcd_version": "3.6.14",
        "kubernetes_version": "v1.36.4",
        "revision": 100,
        "hash": 4711,
        "compact_revision": 50,
        "keys": 123,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "secrets_keys": ["secretbox:key0", "secretbox:key1"],
        "etcd_authorities": [der],
        "kubernetes_authorities": [der],
        "compared_with": list(of.client.endpoints),
        "verified": True,
    }
    assert world.last == Last("20261130T120000Z-etcd-1", NOON, "etcd-1")
    last = {"id": manifest["id"], "machine": "etcd-1", "time": "2026-11-30T12:00:00Z"}
    assert read_outcome(of.outcome) == {"lastSuccess": manifest, "lastOfCluster": last}
    assert not of.work.exists()
    (restored,) = world.programs.calls_with("snapshot restore")
    assert f"--data-dir={of.work}/restored" in restored


def test_one_that_is_younger_than_the_interval_is_left_alone_by_every_machine(world: World) -> None:
    world.was_taken(6 * HOUR - 1)
    for each in world.sources:
        take_snapshot(each)
    assert world.objects == []
    assert world.members.asked("v3/lease/grant") == [], "nor is there a lock"
    world.now += 1
    for each in world.sources:
        take_snapshot(each)
    assert [manifest["id"] for manifest in world.manifests] == ["20261130T120001Z-etcd-0"], "the first takes it"


def test_one_is_taken_now_by_hand(world: World) -> None:
    world.was_taken(60)
    take_snapshot(world.sources[0], now=True)
    assert [manifest["retention"] for manifest in world.manifests] == ["all"]


def test_who_waits_for_the_lock_has_nothing_to_do_when_the_other_has_done_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def after_another(*arguments: Any, **options: Any) -> Iterator[Any]:
        with cluster_lock(*arguments, **options) as lock:
            world.was_taken(0)
            yield lock

    monkeypatch.setattr(take, "cluster_lock", after_another)
    take_snapshot(world.sources[0])
    assert world.objects == []


def test_a_failure_leaves_the_note_alone_so_that_another_machine_tries(world: World) -> None:
    world.was_taken(6 * HOUR)
    before = world.last
    world.members.torn = 1
    with pytest.raises(Failure):
        take_snapshot(world.sources[0])
    assert world.last == before
    world.members.torn = None
    take_snapshot(world.sources[1])
    assert [manifest["machine"] for manifest in world.manifests] == ["etcd-1"]
    assert "broke off" in read_outcome(world.sources[0].outcome)["lastFailure"]["reason"]


def test_a_machine_whose_attempt_failed_leaves_it_to_the_others_for_a_while(world: World) -> None:
    of = world.sources[0]
    world.members.torn = 1
    with pytest.raises(Failure):
        take_snapshot(of)
    assert read_outcome(of.outcome)["lastFailure"]["id"] == "20261130T120000Z-etcd-0"
    world.members.torn = None
    world.now += HOUR - 1
    take_snapshot(of)
    assert world.objects == []
    take_snapshot(of, now=True)
    assert len(world.manifests) == 1, "by hand at any time"
    world.now += 6 * HOUR
    take_snapshot(of)
    assert len(world.manifests) == 2
    assert set(read_outcome(of.outcome)) == {"lastFailure", "lastSuccess", "lastOfCluster"}


def test_a_machine_that_could_not_begin_tries_again_at_the_next_look(world: World) -> None:
    world.members.alarms = ["NOSPACE"]
    with pytest.raises(Alarm):
        take_snapshot(world.sources[0])
    world.members.alarms = []
    world.now += 600
    take_snapshot(world.sources[0])
    assert len(world.manifests) == 1


@pytest.mark.parametrize(
    ("ago", "hours", "expected"),
    [(None, 6, False), (3599, 6, True), (3600, 6, False), (899, 1, True), (900, 1, False), (-7200, 6, False)],
)
def test_the_rest_after_a_failure_is_short(ago: float | None, hours: float, expected: bool) -> None:
    assert rests(None if ago is None else int(NOON - ago), NOON, hours) is expected


@pytest.mark.parametrize("text", ["", "{", "[]", '{"lastFailure": 1}', '{"lastFailure": {"id": "a", "time": "late"}}'])
def test_what_is_no_note_of_a_failure_counts_as_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "snapshot.json").write_text(text)
    assert failed_at(tmp_path / "snapshot.json") is None


def test_times_are_written_as_aws_writes_them() -> None:
    assert iso_time(NOON) == "2026-11-30T12:00:00Z"
