"""verify-snapshot: a snapshot of the bucket that is proven again on a machine."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from typing import Any

import pytest

from components.node.common import machine_lock
from components.node.common.failure import Failure
from components.node.etcd.snapshot import verify
from components.node.etcd.snapshot.fetch import Offer
from components.node.etcd.snapshot.manifest import manifest_of
from components.node.etcd.snapshot.take import take_snapshot
from components.node.etcd.snapshot.verify import verify_snapshot
from tests.components.node.aws_services import Stored
from tests.components.node.etcd.gateway import encoded
from tests.components.node.etcd.snapshot_world import BUCKET, World


def offered(world: World, **changes: Any) -> Offer:
    """What the first machine has taken, with a manifest that says something else as `changes` have it."""
    take_snapshot(world.sources[0], now=True)
    manifest = manifest_of(dict(world.manifests[-1]))
    url = world.aws.offer(BUCKET, f"{manifest.retention}/{manifest.id}/etcd.db")
    return Offer(url, dataclasses.replace(manifest, **changes))


def test_a_snapshot_that_is_what_its_manifest_says_is_whole_and_nothing_of_it_stays(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    of = world.sources[1]
    verify_snapshot(of, offered(world))
    assert not of.work.exists()
    said = capsys.readouterr().out
    assert "snapshot 20261130T120000Z-etcd-0 is whole: restored, it has 123 keys at revision 100 with the hash" in said
    assert f"--data-dir={of.work}/restored" in world.programs.calls_with("snapshot restore")[-1]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"revision": 99}, "it has the revision 100, by its manifest 99. Choose another one"),
        ({"hash": 1}, "the hash 4711 over 123 keys, by its manifest the hash 1 over 123 keys"),
        ({"keys": 1}, "the hash 4711 over 123 keys, by its manifest the hash 4711 over 1 keys"),
        ({"secrets_keys": ["secretbox:key9"]}, "Secrets below the keys secretbox:key0, secretbox:key1, by its"),
        ({"secrets_keys": []}, "by its manifest none"),
        ({"sha256": "0" * 64}, "is not what was put there"),
        ({"bytes": 1}, "and 1 by its manifest"),
    ],
)
def test_a_snapshot_that_is_something_else_is_told(changes: dict[str, Any], told: str, world: World) -> None:
    of = world.sources[1]
    with pytest.raises(Failure, match=told):
        verify_snapshot(of, offered(world, **changes))
    assert not of.work.exists()


def test_what_its_members_had_forgotten_more_is_forgotten_on_trial(world: World) -> None:
    offer = offered(world, compact_revision=60)
    verify_snapshot(world.sources[1], offer)
    assert world.restored.asked("v3/kv/compaction")


def _torn(world: World) -> None:
    for key, stored in world.aws.buckets[BUCKET].items():
        world.aws.buckets[BUCKET][key] = Stored(b"x" + stored.body[1:], stored.headers)


def _unreadable(world: World) -> None:
    world.programs.program("etcdutl", ("snapshot status", 1, "database file is corrupt"))


@pytest.mark.parametrize(
    ("trouble", "told"), [(_torn, "is not what was put there"), (_unreadable, "can't be read.*is corrupt")]
)
def test_a_snapshot_that_is_damaged_is_told(trouble: Callable[[World], None], told: str, world: World) -> None:
    offer = offered(world)
    trouble(world)
    with pytest.raises(Failure, match=told):
        verify_snapshot(world.sources[1], offer)


def test_the_step_reads_standard_input_and_waits_for_one_that_is_taken(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine_lock, "LOCKS", world.sources[1].disk / "locks")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(verify, "source", lambda: world.sources[1])
    monkeypatch.setattr("sys.stdin", io.StringIO(offered(world).text()))
    assert verify.main([]) == 0
    assert (world.sources[1].disk / "locks" / "quorate-take-snapshot.lock").exists()
    monkeypatch.setattr("sys.stdin", io.StringIO("X-Amz-Signature=secret"))
    assert verify.main([]) == 1
    said = capsys.readouterr().out
    assert "FAILED on" in said
    assert "secret" not in said
    assert verify.main(["latest"]) == 2


def test_verifying_leaves_members_and_notes_alone(world: World) -> None:
    offer = offered(world)
    keys = dict(world.members.keys)
    outcome = world.sources[0].outcome.read_text()
    verify_snapshot(world.sources[0], offer)
    assert world.members.keys == keys
    assert world.sources[0].outcome.read_text() == outcome
    assert encoded("quorate/lock/snapshot") not in world.members.keys
