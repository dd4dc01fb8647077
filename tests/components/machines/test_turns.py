"""AWS stops an instance to change its type: machines of a living cluster take turns then."""

from __future__ import annotations

import dataclasses
import itertools

from components import living_cluster
from components.cluster import Cluster
from components.living_cluster import LivingCluster, living_cluster_in
from components.settings.model import EtcdSettings
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


def stacked(living: LivingCluster) -> set[tuple[int, int]]:
    """Pairs of control planes of `prod` with stacked etcd: the step of the first waits for that of the second."""
    settings = dataclasses.replace(settings_of("prod"), etcd=EtcdSettings())

    def program() -> None:
        Cluster("prod", settings, living)

    recording = record(program, outputs, ANSWERS)
    steps = [step(f"prod-control-plane-{number}") for number in range(3)]
    return {
        (one, other)
        for one, other in itertools.permutations(range(3), 2)
        if waits_for(recording, recording.resources[steps[one]], steps[other])
    }


ONE_BY_ONE = {(1, 0), (2, 0), (2, 1)}
MEMBERS = frozenset(f"prod-control-plane-{number}" for number in range(3))
DONE = frozenset(f"{member}-configure" for member in MEMBERS)


def test_with_etcd_beside_them_machines_whose_disks_alone_are_left_come_back_together() -> None:
    assert stacked(LivingCluster(etcd_members=MEMBERS)) == set()


def test_with_etcd_beside_them_new_machines_join_one_at_a_time() -> None:
    assert stacked(LivingCluster()) == ONE_BY_ONE
    assert stacked(LivingCluster(etcd_members=MEMBERS, done=DONE)) == ONE_BY_ONE
    assert (2, 1) in stacked(LivingCluster(etcd_members=MEMBERS - {"prod-control-plane-2"}))


def test_the_state_tells_which_machines_are_there_which_hold_data_and_which_steps_have_run_on_them() -> None:
    settings = settings_of("prod")

    def urn(kind: str, name: str) -> str:
        return f"urn:pulumi:prod::quorate::quorate:index:Cluster$quorate:machines:Machine${kind}::{name}"

    def resource(kind: str, name: str, **found: object) -> tuple[str, dict[str, object]]:
        return urn(kind, name), {"type": kind, "outputs": found}

    state = dict(
        [
            resource("quorate:index:Cluster", "prod", **living_cluster.record(settings)),
            resource(INSTANCE, "prod-etcd-0-instance", id="i-0new", instanceType="m7i.large"),
            resource("quorate:machines:ControlPlaneMachine", "prod-control-plane-0", etcdMember=True),
            resource("quorate:machines:ControlPlaneMachine", "prod-control-plane-1", privateAddress="10.22.144.17"),
            resource(COMMAND, "prod-etcd-0-pki", triggers=["i-0new"]),
            resource(COMMAND, "prod-etcd-0-configure", triggers=["i-0old"]),
            resource(COMMAND, "prod-etcd-1-configure", triggers=["i-1gone"]),
        ]
    )
    assert living_cluster_in(state) == LivingCluster(
        settings,
        {"prod-etcd-0-instance": "m7i.large"},
        frozenset({"prod-control-plane-0"}),
        frozenset({"prod-etcd-0-pki"}),
    )
    assert living_cluster_in({}) == LivingCluster()
