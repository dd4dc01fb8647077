"""The address plan holds for every VPC and any number of zones."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.addresses import (
    MAX_FIXED_PER_KIND,
    MAX_ZONES,
    control_plane_address,
    dynamic_capacity,
    etcd_address,
    fixed_range,
    zone_of,
    zone_subnets,
)


@st.composite
def networks(draw: st.DrawFn, shortest: int, longest: int) -> str:
    length = draw(st.integers(shortest, longest))
    address = draw(st.integers(0, 2**length - 1)) << (32 - length)
    return str(IPv4Network((address, length)))


VPCS = networks(16, 22)
ZONES = st.integers(1, MAX_ZONES)
SUBNETS = networks(20, 26)
MACHINES = st.integers(0, MAX_FIXED_PER_KIND - 1)


def all_subnets(vpc_cidr: str, zones: int) -> list[IPv4Network]:
    return [IPv4Network(cidr) for zone in zone_subnets(vpc_cidr, zones) for cidr in (zone.public, zone.private)]


@given(VPCS, ZONES)
def test_subnets_are_inside_the_vpc_and_share_no_address(vpc: str, zones: int) -> None:
    subnets = all_subnets(vpc, zones)
    assert len(subnets) == 2 * zones
    assert all(subnet.subnet_of(IPv4Network(vpc)) for subnet in subnets)
    assert not any(one.overlaps(other) for one, other in combinations(subnets, 2))


@given(VPCS, ZONES, ZONES)
def test_a_zone_added_later_moves_no_subnet(vpc: str, few: int, many: int) -> None:
    fewer = min(few, many)
    assert zone_subnets(vpc, max(few, many))[:fewer] == zone_subnets(vpc, fewer)


@given(VPCS, ZONES)
def test_every_subnet_is_one_that_aws_takes(vpc: str, zones: int) -> None:
    assert all(16 <= subnet.prefixlen <= 28 for subnet in all_subnets(vpc, zones))


@pytest.mark.parametrize("zones", [0, -1, 7])
def test_a_number_of_zones_without_room_is_refused(zones: int) -> None:
    with pytest.raises(ValueError, match="zones"):
        zone_subnets("10.20.0.0/16", zones)


def test_a_vpc_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        zone_subnets("10.20.0.0/23", 1)


@given(SUBNETS)
def test_fixed_addresses_are_all_different_and_kept_from_aws(subnet: str) -> None:
    addresses = [make(subnet, index) for make in (control_plane_address, etcd_address) for index in range(7)]
    assert len(set(addresses)) == 14
    assert all(IPv4Address(address) in IPv4Network(fixed_range(subnet)) for address in addresses)


@given(SUBNETS, MACHINES)
def test_no_fixed_address_is_one_of_the_five_that_aws_reserves(subnet: str, index: int) -> None:
    network = IPv4Network(subnet)
    reserved = {*(network[i] for i in range(4)), network.broadcast_address}
    assert not {IPv4Address(make(subnet, index)) for make in (control_plane_address, etcd_address)} & reserved


@given(SUBNETS)
def test_the_fixed_range_is_a_block_inside_its_subnet(subnet: str) -> None:
    assert IPv4Network(fixed_range(subnet)).subnet_of(IPv4Network(subnet))


@given(SUBNETS)
def test_dynamic_capacity_is_what_aws_and_the_fixed_range_leave(subnet: str) -> None:
    network = IPv4Network(subnet)
    left = {*network} - {*IPv4Network(fixed_range(subnet))} - {*(network[i] for i in range(4)), network[-1]}
    assert dynamic_capacity(subnet) == len(left)


@pytest.mark.parametrize("index", [-1, MAX_FIXED_PER_KIND])
def test_a_machine_without_a_fixed_address_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match="fixed addresses"):
        etcd_address("10.20.0.0/20", index)


def test_a_subnet_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="64 or more"):
        control_plane_address("10.20.0.0/27", 0)


@given(st.integers(1, MAX_ZONES))
def test_machines_of_a_kind_are_spread_evenly(zones: int) -> None:
    placed = [zone_of(index, zones) for index in range(5)]
    counts = [placed.count(zone) for zone in range(zones)]
    assert max(counts) - min(counts) <= 1
