"""What a run of take-snapshot leaves that is killed, and who clears it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from components.node.common.s3 import Bucket
from components.node.etcd.client import EtcdClient
from components.node.etcd.snapshot import take
from components.node.etcd.snapshot.take import Source, take_snapshot
from tests.components.node.etcd.snapshot_world import World


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _patch(where: object, name: str, value: object) -> None:
    setattr(where, name, value)


def _at_the_manifest() -> None:
    add = Bucket.add

    def killed(self: Bucket, key: str, *rest: Any) -> None:
        if key.endswith("manifest.json"):
            _die()
        add(self, key, *rest)

    _patch(Bucket, "add", killed)


def _killed_at(of: Source, patch: Callable[[], None]) -> None:
    """A run in a process of its own, killed where `patch` says."""

    def run() -> None:
        patch()
        take_snapshot(of)

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join(120)
    # One that is not over would keep what the members listen on.
    over = process.exitcode
    process.kill()
    assert over == -signal.SIGKILL


@pytest.mark.parametrize(
    ("patch", "counted"),
    [
        (lambda: _patch(take, "download", _die), 0),
        (lambda: _patch(take, "revision_of", _die), 0),
        (lambda: _patch(take, "held_by_members", _die), 0),
        (lambda: _patch(take, "restore", _die), 0),
        (lambda: _patch(take, "compare", _die), 0),
        (lambda: _patch(take, "_add", _die), 0),
        (_at_the_manifest, 0),
        (lambda: _patch(EtcdClient, "put_key", _die), 1),
        (lambda: _patch(take, "remove_work", _die), 0),
    ],
    ids=["copy", "read", "members", "restore", "compare", "send", "manifest", "note", "clear"],
)
def test_what_a_killed_run_leaves_is_cleared_by_the_next_one_and_counts_only_with_a_manifest(
    patch: Callable[[], None], counted: int, world: World
) -> None:
    of = world.sources[0]
    of.work.mkdir()
    _killed_at(of, patch)
    assert of.work.exists()
    assert len(world.manifests) == counted
    assert world.last is None
    world.lets_leases_end()
    world.now += 600
    take_snapshot(of)
    assert not of.work.exists()
    assert len(world.manifests) == counted + 1
    assert world.last is not None


def test_leftovers_are_cleared_though_no_snapshot_is_due(world: World) -> None:
    of = world.sources[0]
    world.was_taken(0)
    (of.work / "restored/member/wal").mkdir(parents=True)
    (of.work / "etcd.db").write_text("a copy")
    take_snapshot(of)
    assert not of.work.exists()


def test_another_machine_takes_over_from_one_that_died_meanwhile(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    _killed_at(world.sources[0], lambda: _patch(take, "restore", _die))
    world.lets_leases_end()
    take_snapshot(world.sources[2])
    assert [manifest["machine"] for manifest in world.manifests] == ["etcd-2"]
