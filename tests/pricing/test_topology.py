"""What settings amount to."""

from __future__ import annotations

from itertools import combinations

import pytest

from pricing.topology import Kind, topology
from tests.operations.stacks import DEV, EDUCATION, PROD, STACKED, settings, with_bastion


def test_education_is_one_machine_with_its_member() -> None:
    built = topology(settings(EDUCATION))
    (machine,) = built.machines
    assert (machine.name, machine.kind, machine.zone, machine.public) == (
        "control-plane-0",
        Kind.CONTROL_PLANE,
        0,
        True,
    )
    assert machine.holds_member
    assert (built.nodes, built.nat_gateways, built.load_balancers) == ((1, 1), 0, ())


def test_prod_goes_round_the_zones_with_etcd_on_machines_of_its_own() -> None:
    built = topology(with_bastion(settings(PROD)))
    assert [m.zone for m in built.control_planes] == [m.zone for m in built.of(Kind.ETCD)] == [0, 1, 2]
    assert {m.name for m in built.members} == {"etcd-0", "etcd-1", "etcd-2"}
    assert not any(m.public for m in built.machines if m.kind is not Kind.BASTION)
    assert built.nat_gateways == 3
    assert [balancer.public for balancer in built.load_balancers] == [False]
    assert built.nodes == (6, 12)


def test_stacked_members_stand_on_the_control_plane() -> None:
    assert topology(settings(STACKED)).members == topology(settings(STACKED)).control_planes


def test_without_nat_machines_and_workers_have_public_addresses() -> None:
    built = topology(settings(DEV))
    assert built.machines[0].public
    assert built.pools[0].public
    assert built.machines[0].address == "10.20.0.16"


@pytest.mark.parametrize(("zones", "minimum"), [(1, 3), (2, 3), (3, 0), (3, 4), (6, 17)])
def test_workers_of_the_minimum_stand_in_some_zone(zones: int, minimum: int) -> None:
    pool = {"name": "general", "minimum": minimum, "maximum": 20}
    built = topology(settings({**DEV, "workers": [pool]}, network={"zones": zones}, controlPlane={"schedulable": True}))
    counts = [built.pools[0].at_minimum(zone) for zone in range(zones)]
    assert sum(counts) == minimum
    assert max(counts) - min(counts) <= 1


def test_a_pool_stays_in_the_zones_that_it_names() -> None:
    pool = {"name": "batch", "minimum": 4, "maximum": 4, "zones": [1, 3]}
    built = topology(settings({**PROD, "workers": [pool]}))
    assert [built.pools[0].at_minimum(zone) for zone in range(3)] == [2, 0, 2]


def test_the_api_serves_while_a_majority_and_one_api_server_are_left() -> None:
    built = topology(settings(PROD))
    names = [machine.name for machine in built.machines]
    for size in range(4):
        for lost in combinations(names, size):
            etcd = sum(name.startswith("etcd") for name in lost)
            control_planes = sum(name.startswith("control") for name in lost)
            assert built.serves_without(frozenset(lost)) == (etcd <= 1 and control_planes <= 2), lost


@pytest.mark.parametrize(("zones", "survives"), [(1, False), (2, False), (3, True), (6, True)])
def test_a_zone_may_be_lost_from_three_zones_on(zones: int, survives: bool) -> None:
    assert topology(settings(PROD, network={"zones": zones})).survives_any_zone() is survives
    assert topology(settings(STACKED, network={"zones": zones})).survives_any_zone() is survives
