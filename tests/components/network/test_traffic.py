"""The table of allowed connections, for each kind of cluster."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from components.network.traffic import Party, Traffic, addresses_of, allowed
from components.settings.model import Settings
from components.settings.validate import parse
from tests.components.education import SETTINGS
from tests.components.settings.stack_files import LARGE, SMALL, changed

WORKERS = [{"name": "general"}]
HA: dict[str, Any] = {"controlPlane__count": 3, "network__zones": 3}
TOO_LARGE = ("icmp", (3, 4))
STACKS = {
    "education": SETTINGS,
    "dev": parse(changed(SMALL, workers=WORKERS)),
    "stacked": parse(changed(SMALL, workers=WORKERS, **HA)),
    "large": parse(LARGE),
}


@pytest.fixture(params=STACKS, name="settings")
def stack(request: pytest.FixtureRequest) -> Settings:
    return STACKS[request.param]


def rows(settings: Settings, target: Party, port: int) -> set[Party]:
    """Who may reach `port` of `target`."""
    connections = [row for row in allowed(settings) if row.target is target and row.protocol != "icmp"]
    return {row.source for row in connections if row.ports[0] <= port <= row.ports[1]}


def test_names_of_rows_are_unique_since_resources_are_named_by_them(settings: Settings) -> None:
    names = [row.name for row in allowed(settings)]
    assert len(set(names)) == len(names)


def test_every_row_has_a_reason_that_fits_into_a_rules_description(settings: Settings) -> None:
    for row in allowed(settings):
        assert 10 < len(row.reason) <= 255
        assert not set(row.reason) - set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-:/()#,@[]+=&;{}!$*"
        )


def test_a_row_has_a_group_on_at_least_one_side(settings: Settings) -> None:
    groups = set(Party) - set(addresses_of(settings))
    assert all({row.source, row.target} & groups for row in allowed(settings))


def test_no_connection_comes_in_from_the_internet(settings: Settings) -> None:
    assert {(row.protocol, row.ports) for row in allowed(settings) if row.source is Party.INTERNET} <= {TOO_LARGE}


def test_load_balancers_hear_that_a_packet_is_too_large_from_wherever_their_clients_are(settings: Settings) -> None:
    operators = set(addresses_of(settings))
    hears: dict[Party, set[Party]] = {}
    clients: dict[Party, set[Party]] = {}
    for row in allowed(settings):
        if row.protocol == "icmp":
            assert (row.protocol, row.ports) == TOO_LARGE
            hears.setdefault(row.target, set()).add(row.source)
        elif row.target in (Party.LOAD_BALANCER, Party.PUBLIC_LOAD_BALANCER):
            # A router on the way says it, and it may have any address.
            sender = Party.INTERNET if row.source in operators else row.source
            clients.setdefault(row.target, set()).add(sender)
    assert hears == clients


@pytest.mark.parametrize(
    ("nat", "sources"),
    [
        ("none", {Party.CONTROL_PLANE, Party.WORKERS}),
        ("single", {Party.CONTROL_PLANE, Party.WORKERS, Party.INTERNET}),
    ],
)
def test_an_internal_load_balancer_hears_it_from_outside_only_if_operators_come_through_it(
    nat: str, sources: set[Party]
) -> None:
    settings = parse(changed(SMALL, workers=WORKERS, network__nat=nat, apiEndpoint__loadBalancer=True, **HA))
    heard = {r.source for r in allowed(settings) if r.target is Party.LOAD_BALANCER and r.protocol == "icmp"}
    assert heard == sources


def test_node_ports_are_open_to_nobody(settings: Settings) -> None:
    def reaches_node_ports(row: Traffic) -> bool:
        return row.ports[0] <= 32767 and row.ports[1] >= 30000

    assert not [row.name for row in allowed(settings) if reaches_node_ports(row)]


def test_no_group_needs_more_rules_than_aws_takes_in_one(settings: Settings) -> None:
    addresses = addresses_of(settings)
    for party in set(Party) - set(addresses):
        into = [len(addresses.get(r.source, "1")) for r in allowed(settings) if r.target is party]
        out = [len(addresses.get(r.target, "1")) for r in allowed(settings) if r.source is party]
        assert max(sum(into), sum(out)) <= 60


def test_only_the_api_servers_and_members_reach_etcd() -> None:
    external = STACKS["large"]
    assert rows(external, Party.ETCD, 2379) == {Party.CONTROL_PLANE, Party.ETCD}
    assert rows(external, Party.ETCD, 2380) == {Party.ETCD}
    assert rows(external, Party.ETCD, 2381) == set(), "metrics stay on the machine"
    assert rows(external, Party.CONTROL_PLANE, 2379) == set(), "no member is there"
    assert rows(STACKS["stacked"], Party.CONTROL_PLANE, 2380) == {Party.CONTROL_PLANE}
    assert rows(STACKS["dev"], Party.CONTROL_PLANE, 2379) == set(), "one member asks nobody"


def test_with_a_bastion_ssh_comes_through_it_alone() -> None:
    private = STACKS["large"]
    assert rows(private, Party.BASTION, 22) == {Party.OPERATORS_SSH}
    for party in (Party.CONTROL_PLANE, Party.ETCD, Party.WORKERS):
        assert rows(private, party, 22) == {Party.BASTION}
    assert rows(STACKS["dev"], Party.WORKERS, 22) == {Party.OPERATORS_SSH}


def test_operators_reach_the_api_by_exactly_one_way() -> None:
    def ways(settings: Settings) -> set[Party]:
        return {row.target for row in allowed(settings) if row.source is Party.OPERATORS_API}

    inside = parse(changed(SMALL, network__nat="single", **HA))
    assert ways(SETTINGS) == ways(STACKS["dev"]) == ways(STACKS["stacked"]) == {Party.CONTROL_PLANE}
    assert ways(STACKS["large"]) == {Party.PUBLIC_LOAD_BALANCER}
    assert ways(inside) == {Party.LOAD_BALANCER}


def test_load_balancers_reach_the_api_servers_which_reach_them_for_themselves() -> None:
    sources = rows(STACKS["large"], Party.CONTROL_PLANE, 6443)
    assert sources == {Party.LOAD_BALANCER, Party.PUBLIC_LOAD_BALANCER, Party.CONTROL_PLANE, Party.WORKERS}
    assert rows(STACKS["large"], Party.LOAD_BALANCER, 6443) == {Party.CONTROL_PLANE, Party.WORKERS}


@pytest.mark.parametrize(("stack", "port"), [("dev", 8472), ("large", 4789)])
def test_all_nodes_reach_each_other_by_the_plugins_vxlan_port(stack: str, port: int) -> None:
    other = {8472: 4789, 4789: 8472}[port]
    for party in (Party.CONTROL_PLANE, Party.WORKERS):
        expected = {Party.CONTROL_PLANE, Party.WORKERS}
        if stack == "dev" and party is Party.CONTROL_PLANE:
            expected = {Party.WORKERS}
        assert rows(STACKS[stack], party, port) == expected
        assert rows(STACKS[stack], party, other) == set()


def test_what_one_machine_needs_is_only_its_operators_and_a_way_out() -> None:
    assert [row.name for row in allowed(SETTINGS)] == [
        "operators-ssh-to-control-plane-tcp-22",
        "operators-api-to-control-plane-tcp-6443",
        "control-plane-to-internet-tcp-443",
        "control-plane-to-internet-tcp-80",
    ]


def test_the_addresses_of_operators_are_those_of_the_stack_and_may_be_none() -> None:
    closed = dataclasses.replace(SETTINGS, access=dataclasses.replace(SETTINGS.access, ssh_cidrs=(), api_cidrs=()))
    assert addresses_of(closed)[Party.OPERATORS_SSH] == ()
    assert addresses_of(SETTINGS)[Party.OPERATORS_API] == SETTINGS.access.api_cidrs
