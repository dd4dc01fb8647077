"""AWS stops an instance to change its type: machines of a living cluster take turns then."""

from __future__ import annotations

import itertools

from components.cluster import Cluster
from components.living_cluster import LivingCluster
from tests.components.education import ANSWERS, outputs
from tests.components.recording import Recorded, Recording, record
from tests.components.stacks import COMMAND, INSTANCE, recorded, settings_of, waits_for

LARGER = {"controlPlane__instanceType": "m7i.xlarge", "etcd__instanceType": "m7i.xlarge"}
MACHINES = [f"prod-{kind}-{number}" for kind in ("etcd", "control-plane") for number in range(3)]


def living_types() -> dict[str, str]:
    """What the state has once `prod` is up."""
    return {one.name: one.inputs["instanceType"] for one in recorded("prod").of_type(INSTANCE)}


def changed(living: dict[str, str], **changes: object) -> Recording:
    settings = settings_of("prod", **changes)

    def program() -> None:
        Cluster("prod", settings, LivingCluster(settings, living))

    return record(program, outputs, ANSWERS)


def instance(recording: Recording, machine: str) -> Recorded:
    return recording.named(INSTANCE, f"{machine}-instance")


def step(machine: str) -> str:
    return f"{COMMAND} {machine}-configure"


def waits(recording: Recording) -> set[tuple[str, str]]:
    """Pairs of machines: the first stops no sooner than the second serves."""
    pairs = itertools.permutations(MACHINES, 2)
    return {(one, other) for one, other in pairs if waits_for(recording, instance(recording, one), step(other))}


def test_machines_that_change_their_type_stop_one_after_the_other_etcd_first() -> None:
    assert waits(changed(living_types(), **LARGER)) == {
        (later, earlier) for earlier, later in itertools.combinations(MACHINES, 2)
    }


def test_machines_of_a_cluster_that_is_not_there_wait_for_none() -> None:
    assert waits(changed({}, **LARGER)) == set()


def test_machines_that_keep_their_type_wait_for_none() -> None:
    assert waits(changed(living_types())) == set()


def test_lost_machines_come_back_at_once_and_those_that_stop_wait_for_them() -> None:
    lost = {"prod-etcd-0-instance", "prod-etcd-1-instance"}
    living = {name: kind for name, kind in living_types().items() if name not in lost}
    found = waits(changed(living, etcd__instanceType="m7i.xlarge"))
    assert found == {("prod-etcd-2", "prod-etcd-0"), ("prod-etcd-2", "prod-etcd-1")}


def test_after_an_update_that_was_cut_off_the_next_machine_waits_for_the_one_that_has_stopped_already() -> None:
    living = living_types() | {"prod-control-plane-0-instance": "m7i.xlarge"}
    found = waits(changed(living, controlPlane__instanceType="m7i.xlarge"))
    assert ("prod-control-plane-1", "prod-control-plane-0") in found
    assert ("prod-control-plane-2", "prod-control-plane-0") in found
    assert "prod-control-plane-0" not in {later for later, _ in found}


def test_another_type_runs_the_step_that_ends_when_the_machine_serves_again() -> None:
    before, after = recorded("prod"), changed(living_types(), **LARGER)
    for machine in MACHINES:
        inputs = [recording.resources[step(machine)].inputs["stdin"] for recording in (before, after)]
        assert inputs[0] != inputs[1], machine
