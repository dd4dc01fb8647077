"""Which machines there are, and that no two stand on one address."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.addresses import fixed_range, zone_subnets
from components.plan import Plan
from components.settings.model import Settings
from components.settings.validate import parse
from tests.components.settings.stack_files import SMALL, changed


def settings(**values: Any) -> Settings:
    return parse(changed(SMALL, **values))


LAYOUTS = st.builds(
    settings,
    network__zones=st.integers(1, 6),
    network__nat=st.sampled_from(["none", "single", "perZone"]),
    controlPlane__count=st.sampled_from([1, 3, 5]),
    etcd=st.sampled_from([{"topology": "stacked"}, *({"topology": "external", "members": n} for n in (3, 5))]),
    network__vpcCidr=st.sampled_from(["10.20.0.0/16", "192.168.4.0/22"]),
)


@given(LAYOUTS)
def test_every_machine_has_an_address_of_its_own_among_those_that_its_subnet_keeps(layout: Settings) -> None:
    machines = [*Plan(layout).control_planes, *Plan(layout).etcd_machines]
    assert (
        len({machine.address for machine in machines}) == len({machine.name for machine in machines}) == len(machines)
    )
    subnets = zone_subnets(layout.network.vpc_cidr, layout.network.zones)
    for machine in machines:
        subnet = subnets[machine.zone]
        cidr = subnet.public if layout.network.nat == "none" else subnet.private
        assert IPv4Address(machine.address) in IPv4Network(fixed_range(cidr))


@given(LAYOUTS)
def test_machines_of_a_kind_are_spread_as_evenly_as_their_number_allows(layout: Settings) -> None:
    for machines in (Plan(layout).control_planes, Plan(layout).etcd_machines):
        counts = [sum(machine.zone == zone for machine in machines) for zone in range(layout.network.zones)]
        assert max(counts) - min(counts) <= 1


def test_stacked_etcd_has_no_machines_and_external_has_its_members() -> None:
    assert Plan(settings()).etcd_machines == ()
    assert [m.name for m in Plan(settings(etcd__topology="external")).etcd_machines] == ["etcd-0", "etcd-1", "etcd-2"]


def test_a_machine_that_is_alone_shares_its_subnet_with_nothing() -> None:
    assert not Plan(settings()).subnets_are_shared
    assert Plan(settings(workers=[{"name": "a"}])).subnets_are_shared
    assert Plan(settings(controlPlane__count=3)).subnets_are_shared
    assert Plan(settings(network__nat="single")).subnets_are_shared
