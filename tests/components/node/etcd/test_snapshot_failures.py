"""What makes a snapshot fail, that somebody hears of it, and that nothing of it counts."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from components.node.common.failure import Failure
from components.node.common.s3 import Bucket
from components.node.etcd.client import Alarm
from components.node.etcd.cluster_lock import HeldLock
from components.node.etcd.snapshot import room, take
from components.node.etcd.snapshot.outcome import read_outcome
from components.node.etcd.snapshot.take import take_snapshot
from tests.components.node.aws_services import s3_refusal
from tests.components.node.etcd.gateway import encoded
from tests.components.node.etcd.snapshot_world import World


def _flip(world: World) -> None:
    world.members.checksum = bytes(32)


def _tear(pieces: int) -> Callable[[World], None]:
    return lambda world: setattr(world.members, "torn", pieces)


def _restores(*held: int) -> Callable[[World], None]:
    return lambda world: world.restored.held.update(dict.fromkeys(world.restored.held, held))  # type: ignore[arg-type]


def _program_fails(call: str) -> Callable[[World], None]:
    return lambda world: world.programs.program(
        "etcdutl", (call, 1, "no space left on device"), ("snapshot status", 0, '{"revision": 100}')
    )


def _says_nothing(world: World) -> None:
    world.programs.program("etcdutl", ("snapshot status", 0, "{}"))


def _forgets(world: World) -> None:
    world.members.held = dict.fromkeys(world.members.held, (4711, 101, 123))


def _raises_alarm(world: World) -> None:
    world.members.alarms = ["NOSPACE"]


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (_tear(0), "broke off"),
        (_tear(1), "broke off"),
        (_tear(3), "broke off"),
        (_flip, "does not have the checksum that etcd sent with it"),
        (_program_fails("snapshot status"), "can't be read, so it does not count: .*no space left"),
        (_program_fails("snapshot restore"), "can't be restored, so it does not count: .*no space left"),
        (_says_nothing, "does not say which revision"),
        (_restores(4712, 50, 123), "is not what .* holds, so it does not count: .* hash 4712 .* hash 4711 over 123"),
        (_restores(4711, 50, 122), "over 122 keys, the member the hash 4711 over 123 keys"),
        (_forgets, "had forgotten revision 100 before the snapshot could be compared"),
        (_raises_alarm, "alarm NOSPACE"),
    ],
)
def test_what_is_not_whole_or_not_the_same_is_never_sent_and_told(
    trouble: Callable[[World], None], told: str, world: World
) -> None:
    of = world.sources[0]
    trouble(world)
    with pytest.raises(Failure, match=told):
        take_snapshot(of)
    assert world.objects == []
    assert world.last is None
    assert not of.work.exists()
    assert encoded("quorate/lock/snapshot") not in world.members.keys, "the lock is free again"
    assert set(read_outcome(of.outcome)) == {"lastFailure"}


def test_a_disk_that_is_full_is_told_and_nothing_is_left_on_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    of = world.sources[0]
    monkeypatch.setattr(take, "DATABASE", "/dev/full")
    with pytest.raises(Failure, match=r"can't be written: .*No space left .*raise etcd.volumeGib"):
        take_snapshot(of)
    assert not of.work.exists()
    assert world.objects == []


def test_a_disk_without_room_for_copy_and_trial_is_refused_before_anything_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SPARE_BYTES", 1024**3)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1024**3 + 199_999))
    with pytest.raises(Failure, match=r"has 1024.2 MiB free, .* takes up to 1024.2 MiB: no snapshot was taken"):
        take_snapshot(world.sources[0])
    assert world.members.asked("v3/maintenance/snapshot") == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1024**3 + 200_000))
    take_snapshot(world.sources[0], now=True)
    assert world.manifests


def test_more_than_s3_takes_at_once_is_refused_before_anything_is_read(world: World) -> None:
    world.members.sizes = dict.fromkeys(world.members.sizes, (5 * 1024**3, 1))
    with pytest.raises(Failure, match=r"S3 takes no more than 5120.0 MiB at once: no snapshot was taken"):
        take_snapshot(world.sources[0])
    assert world.members.asked("v3/maintenance/snapshot") == []


@pytest.mark.parametrize(
    ("status", "code", "refused"),
    [
        (412, "PreconditionFailed", "etcd.db"),
        (403, "AccessDenied", "etcd.db"),
        (404, "NoSuchBucket", "etcd.db"),
        (400, "KMS.DisabledException", "etcd.db"),
        (403, "AccessDenied", "manifest.json"),
    ],
)
def test_one_that_the_bucket_does_not_take_does_not_count(status: int, code: str, refused: str, world: World) -> None:
    add = Bucket.add

    def refuse(self: Bucket, key: str, *rest: Any) -> None:
        if key.endswith(refused):
            world.aws.refusals = [s3_refusal(status, code, "because")]
        add(self, key, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bucket, "add", refuse)
        with pytest.raises(Failure, match=f"{refused} with {status}: {code}: because. "):
            take_snapshot(world.sources[0])
    assert world.manifests == []
    assert world.last is None
    world.now += 600
    take_snapshot(world.sources[1])
    assert [manifest["id"] for manifest in world.manifests] == ["20261130T121000Z-etcd-1"]


def test_the_lock_is_asked_for_before_anything_is_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*_: object) -> None:
        raise Failure("this machine has lost the lock")

    monkeypatch.setattr(HeldLock, "check", lose)
    with pytest.raises(Failure, match="lost the lock"):
        take_snapshot(world.sources[0])
    assert world.objects == []


def test_an_alarm_is_told_as_such(world: World) -> None:
    world.members.alarms = ["CORRUPT"]
    with pytest.raises(Alarm, match="CORRUPT"):
        take_snapshot(world.sources[0])
