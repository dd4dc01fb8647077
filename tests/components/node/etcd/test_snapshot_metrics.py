"""What whoever scrapes a machine learns of its snapshots."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from components.node.common.failure import Failure
from components.node.etcd.snapshot.take import take_snapshot
from tests.components.node.etcd.snapshot_world import HOUR, NOON, World


def metrics(world: World, machine: int) -> Mapping[str, int]:
    """Values by name, of a file in which each has its type and its meaning."""
    lines = world.sources[machine].metrics.read_text().splitlines()
    found = {name: int(value) for name, value in (line.split() for line in lines if not line.startswith("#"))}
    assert [line.split()[2] for line in lines if line.startswith("# TYPE ")] == list(found)
    assert [line.split()[2] for line in lines if line.startswith("# HELP ")] == list(found)
    prefix = "quorate_etcd_snapshot_"
    assert all(name.startswith(prefix) for name in found)
    return {name.removeprefix(prefix): value for name, value in found.items()}


def test_before_the_first_one_there_is_no_time_of_any(world: World) -> None:
    world.members.torn = 1
    with pytest.raises(Failure):
        take_snapshot(world.sources[0])
    assert metrics(world, 0) == {"interval_seconds": 6 * HOUR, "last_failure_timestamp_seconds": NOON}


def test_a_success_is_known_to_its_machine_at_once_and_to_the_others_at_their_next_look(world: World) -> None:
    take_snapshot(world.sources[0])
    assert metrics(world, 0) == {
        "interval_seconds": 6 * HOUR,
        "last_timestamp_seconds": NOON,
        "last_success_timestamp_seconds": NOON,
        "last_success_size_bytes": len(world.members.database) + 32,
    }
    world.now += 600
    take_snapshot(world.sources[1])
    assert metrics(world, 1) == {"interval_seconds": 6 * HOUR, "last_timestamp_seconds": NOON}


def test_a_failure_after_a_success_leaves_the_times_of_that_one(world: World) -> None:
    take_snapshot(world.sources[0])
    world.now += 6 * HOUR
    world.members.torn = 1
    with pytest.raises(Failure):
        take_snapshot(world.sources[0])
    found = metrics(world, 0)
    assert (found["last_timestamp_seconds"], found["last_failure_timestamp_seconds"]) == (NOON, NOON + 6 * HOUR)


def test_metrics_that_can_not_be_written_are_no_failure_of_the_snapshot(world: World) -> None:
    world.sources[0].metrics.parent.mkdir(parents=True)
    world.sources[0].metrics.mkdir()
    take_snapshot(world.sources[0])
    assert len(world.manifests) == 1


@pytest.mark.parametrize("text", ["[]", '{"lastSuccess": 3, "lastOfCluster": {"time": "late"}}'])
def test_notes_that_can_not_be_read_say_nothing(text: str, world: World) -> None:
    world.was_taken(60)
    outcome = world.sources[0].outcome
    outcome.parent.mkdir(parents=True)
    outcome.write_text(text)
    take_snapshot(world.sources[0])
    assert metrics(world, 0) == {"interval_seconds": 6 * HOUR, "last_timestamp_seconds": NOON - 60}
