"""Who waits for whom: machines that an update stops take rollout; those that etcd needs come back at once."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from typing import Any, cast

from pulumi import Resource

from components import previous_update
from components.cluster import Cluster
from components.machines.rollout import Rollout
from components.plan import PlannedMachine, Role
from components.previous_update import PreviousUpdate, previous_update_in
from components.settings.model import EtcdSettings, Settings
from tests.components.education import ANSWERS, outputs
from tests.components.recording import Recording, record
from tests.components.stacks import COMMAND, INSTANCE, recorded, settings_of, waits_for

MACHINES = [f"prod-{kind}-{number}" for kind in ("etcd", "control-plane") for number in range(3)]
OLD, NEW = "t3.large", "m7i.xlarge"


@dataclass
class Declared:
    """What Rollout looks at of a machine."""

    resource_name: str
    planned: PlannedMachine


def waits(living_types: dict[str, str], declared_type: str = NEW) -> set[tuple[str, str]]:
    """Pairs of machines: the first waits for the step of the second. `living_types` are by machine."""
    rollout = Rollout(PreviousUpdate(instance_types={f"{name}-instance": kind for name, kind in living_types.items()}))
    pairs = set()
    for name in MACHINES:
        machine: Any = Declared(name, PlannedMachine(name, Role.ETCD, 0, "", declared_type, 8, 8, public=False))
        pairs |= {(name, str(step)) for step in rollout.awaited_by(machine)}
        rollout.add(cast(Resource, name))
    return pairs


def test_machines_that_change_their_type_stop_one_after_the_other() -> None:
    assert waits(dict.fromkeys(MACHINES, OLD)) == {
        (later, earlier) for earlier, later in itertools.combinations(MACHINES, 2)
    }


def test_machines_of_a_cluster_that_is_not_there_wait_for_none() -> None:
    assert waits({}) == set()


def test_machines_that_keep_their_type_wait_for_none() -> None:
    assert waits(dict.fromkeys(MACHINES, OLD), OLD) == set()


def test_lost_machines_come_back_at_once_and_those_that_stop_wait_for_them() -> None:
    assert waits({"prod-etcd-2": OLD}) == {("prod-etcd-2", "prod-etcd-0"), ("prod-etcd-2", "prod-etcd-1")}


def test_after_an_update_that_was_cut_off_the_next_machine_waits_for_the_one_that_has_stopped_already() -> None:
    found = waits({**dict.fromkeys(MACHINES, NEW), "prod-control-plane-1": OLD})
    assert ("prod-control-plane-1", "prod-control-plane-0") in found
    assert {later for later, _ in found} == {"prod-control-plane-1"}


def test_a_control_plane_comes_back_where_its_disk_holds_a_member_and_its_instance_has_not_served_yet() -> None:
    def comes_back(**living: Any) -> bool:
        return Rollout(PreviousUpdate(**living)).comes_back("prod-control-plane-0")

    member, done = frozenset({"prod-control-plane-0"}), frozenset({"prod-control-plane-0-configure"})
    assert comes_back(etcd_members=member)
    assert not comes_back(etcd_members=member, done=done)
    assert not comes_back()


def program(settings: Settings, living: PreviousUpdate) -> Recording:
    return record(lambda: cast(None, Cluster("prod", settings, living)), outputs, ANSWERS)


def step(machine: str) -> str:
    return f"{COMMAND} {machine}-configure"


def test_in_the_program_etcds_members_stop_first_and_each_step_runs_again_until_its_machine_serves() -> None:
    living = {one.name: one.inputs["instanceType"] for one in recorded("prod").of_type(INSTANCE)}
    settings = settings_of("prod", etcd__instanceType=NEW, controlPlane__instanceType=NEW)
    changed = program(settings, PreviousUpdate(instance_types=living))
    for earlier, later in itertools.pairwise(MACHINES):
        assert waits_for(changed, changed.named(INSTANCE, f"{later}-instance"), step(earlier))
    for machine in MACHINES:
        before, after = (found.resources[step(machine)].inputs["stdin"] for found in (recorded("prod"), changed))
        assert before != after, machine


def test_in_the_program_members_that_come_back_wait_for_none_of_each_other() -> None:
    stacked = dataclasses.replace(settings_of("prod"), etcd=EtcdSettings())
    control_planes = MACHINES[3:]
    back = program(stacked, PreviousUpdate(etcd_members=frozenset(control_planes)))
    for one, other in itertools.permutations(control_planes, 2):
        assert not waits_for(back, back.resources[step(one)], step(other))


def test_the_state_says_which_machines_are_there_which_hold_data_and_which_steps_have_run_on_them() -> None:
    settings = settings_of("prod")

    def urn(kind: str, name: str) -> str:
        return f"urn:pulumi:prod::quorate::quorate:index:Cluster$quorate:machines:Machine${kind}::{name}"

    def resource(kind: str, name: str, **found: object) -> tuple[str, dict[str, object]]:
        return urn(kind, name), {"type": kind, "outputs": found}

    state = dict(
        [
            resource("quorate:index:Cluster", "prod", **previous_update.record(settings)),
            resource(INSTANCE, "prod-etcd-0-instance", id="i-0new", instanceType="m7i.large"),
            resource("quorate:machines:ControlPlaneMachine", "prod-control-plane-0", etcdMember=True),
            resource("quorate:machines:ControlPlaneMachine", "prod-control-plane-1", privateAddress="10.22.144.17"),
            resource(COMMAND, "prod-etcd-0-pki", triggers=["i-0new"]),
            resource("pulumi:providers:kubernetes", "prod-kubernetes", kubeconfig="k"),
            resource(COMMAND, "prod-etcd-0-configure", triggers=["i-0old"]),
            resource(COMMAND, "prod-etcd-1-configure", triggers=["i-1gone"]),
        ]
    )
    assert previous_update_in(state) == PreviousUpdate(
        settings,
        {"prod-etcd-0-instance": "m7i.large"},
        frozenset({"prod-control-plane-0"}),
        frozenset({"prod-etcd-0-pki"}),
        identified=False,
    )
    identified = resource("pulumi:providers:kubernetes", "prod-kubernetes", clusterIdentifier="prod")
    assert previous_update_in({**state, **dict([identified])}).identified
    assert previous_update_in({}) == PreviousUpdate()
