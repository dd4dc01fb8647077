"""What the account says becomes what machines meet: who may talk, what a name means, what a machine is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.cloud.api.view import (
    AttachmentView,
    CloudView,
    InstanceView,
    RecordView,
    RouteTableView,
    RouteView,
    SecurityGroupRuleView,
    SecurityGroupView,
    SubnetView,
    VolumeView,
    VpcView,
    ZoneView,
)
from sandbox.cloud.firewall import Rule
from sandbox.cloud.projection import identity_of, link_of, names_of, ports_of, reaches_internet, resolver_addresses

INSTANCE = InstanceView(
    id="i-0a",
    state="running",
    private_ip="10.20.0.16",
    private_dns_name="ip-10-20-0-16.eu-central-1.compute.internal",
    mac="02:00:00:00:00:01",
    subnet_id="subnet-1",
    vpc_id="vpc-1",
    zone="eu-central-1a",
    image_id="ami-1",
    instance_type="t3.medium",
    key_name="operator",
    public_key="ssh-ed25519 AAAA",
    user_data=b"#cloud-config\n",
    public_ip="198.51.100.1",
    security_group_ids=("sg-1",),
    source_dest_check=True,
    role_name="node",
    instance_profile_arn="arn:aws:iam::123456789012:instance-profile/node",
    http_tokens="required",
    http_put_response_hop_limit=1,
    tags={"Name": "control-plane-0"},
    launched_at="2026-11-21T09:00:00Z",
    attachments=(AttachmentView("vol-1", "/dev/sdf", False),),
)
OTHER = replace(INSTANCE, id="i-0b", private_ip="10.20.0.17", public_ip=None, security_group_ids=("sg-2",))
STRANGER = replace(INSTANCE, id="i-0c", private_ip="10.99.0.4", vpc_id="vpc-2", subnet_id="subnet-2")
TO_GATEWAY = RouteTableView("rtb-1", "vpc-1", False, ("subnet-1",), (RouteView("0.0.0.0/0", "igw"),))
MAIN_WITHOUT = RouteTableView("rtb-0", "vpc-1", True, (), (RouteView("10.20.0.0/16", "other"),))

VIEW = CloudView(
    instances=(INSTANCE, OTHER, STRANGER),
    volumes=(VolumeView("vol-1", 20, False),),
    security_groups=(
        SecurityGroupView(
            "sg-1", "vpc-1", (SecurityGroupRuleView("tcp", 6443, 6443, (), ("sg-2",)),),
            (SecurityGroupRuleView("-1", None, None, ("0.0.0.0/0",), ()),),
        ),
        SecurityGroupView("sg-2", "vpc-1", (), ()),
    ),
    subnets=(SubnetView("subnet-1", "vpc-1", "10.20.0.0/24"), SubnetView("subnet-2", "vpc-2", "10.99.0.0/24")),
    vpcs=(VpcView("vpc-1", "10.20.0.0/16"), VpcView("vpc-2", "10.99.0.0/16")),
    route_tables=(MAIN_WITHOUT, TO_GATEWAY),
    zones=(
        ZoneView(
            "education.quorate.internal.", True, ("vpc-1",),
            (RecordView("api.education.quorate.internal.", "A", 60, ("10.20.0.16",)),),
        ),
    ),
)  # fmt: skip
API = "api.education.quorate.internal"


def test_a_group_as_source_means_the_addresses_of_its_machines() -> None:
    (port,) = [port for port in ports_of(VIEW) if port.address == INSTANCE.private_ip]
    assert port.ingress == (Rule("tcp", 6443, 6443, ("10.20.0.17",)),)


def test_a_stopped_machine_is_nobodys_peer() -> None:
    view = replace(VIEW, instances=(INSTANCE, replace(OTHER, state="stopped")))
    (port,) = ports_of(view)
    assert port.ingress == (Rule("tcp", 6443, 6443, ()),)


@pytest.mark.parametrize(
    ("change", "reached"),
    [
        ({}, True),
        ({"public_ip": None}, False),
        ({"subnet_id": "subnet-9"}, False),
    ],
)
def test_the_internet_needs_a_route_to_the_gateway_and_a_public_address(change: dict[str, str], reached: bool) -> None:
    assert reaches_internet(VIEW, replace(INSTANCE, **change)) is reached  # type: ignore[arg-type]


def test_nat_serves_machines_without_a_public_address() -> None:
    table = replace(TO_GATEWAY, routes=(RouteView("0.0.0.0/0", "nat"),))
    assert reaches_internet(replace(VIEW, route_tables=(table,)), replace(INSTANCE, public_ip=None))


def test_a_private_zone_answers_in_its_own_vpc_alone() -> None:
    assert names_of(VIEW, INSTANCE.private_ip, API, ()) == [("A", 60, "10.20.0.16")]
    assert names_of(VIEW, STRANGER.private_ip, API, ()) is None


def test_a_private_zone_hides_the_rest_of_its_domain() -> None:
    assert names_of(VIEW, INSTANCE.private_ip, "other.education.quorate.internal", ()) is None


def test_machines_know_each_other_by_their_private_names() -> None:
    assert names_of(VIEW, OTHER.private_ip, INSTANCE.private_dns_name, ()) == [("A", 60, "10.20.0.16")]


def test_aws_and_what_the_internet_serves_have_an_address_and_nothing_else_does() -> None:
    served = {"pkgs.k8s.io"}
    assert names_of(VIEW, INSTANCE.private_ip, "ssm.eu-central-1.amazonaws.com", served) == [("A", 60, "192.0.2.1")]
    assert names_of(VIEW, INSTANCE.private_ip, "pkgs.k8s.io", served) == [("A", 60, "192.0.2.1")]
    assert names_of(VIEW, INSTANCE.private_ip, "example.org", served) is None


def test_who_is_not_a_machine_learns_no_name() -> None:
    assert names_of(VIEW, "203.0.113.1", API, ()) is None


def test_each_vpc_has_its_resolver_at_its_base_plus_two() -> None:
    assert sorted(resolver_addresses(VIEW)) == ["10.20.0.2", "10.99.0.2"]


def test_a_machine_is_told_about_itself() -> None:
    identity = identity_of(VIEW, INSTANCE.private_ip, "123456789012", "eu-central-1")
    assert identity is not None
    assert (identity.instance_id, identity.role, identity.token_required) == ("i-0a", "node", True)
    assert identity.metadata["public-ipv4"] == "198.51.100.1"
    assert identity.metadata["public-keys"] == {"0=operator": {"openssh-key": "ssh-ed25519 AAAA"}}
    assert identity_of(VIEW, "10.20.0.99", "123456789012", "eu-central-1") is None


def test_a_link_carries_the_machines_address_in_its_subnet() -> None:
    link = link_of(VIEW, INSTANCE)
    assert (link.address, link.subnet, link.mac) == ("10.20.0.16", "10.20.0.0/24", "02:00:00:00:00:01")
