"""What the account says becomes what machines meet: who may talk, what a name means, what a machine knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.cloud.api.view import (
    AttachmentView,
    CloudView,
    InstanceView,
    NatGatewayView,
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
from sandbox.cloud.projection import (
    cuts_of,
    identity_of,
    link_of,
    names_of,
    nodes_of,
    ports_of,
    public_addresses_of,
    resolver_addresses,
    seen_as,
    who_answers,
)
from sandbox.cloud.resolver import Authority
from sandbox.tests.cloud.balancer.views import BALANCER, NODE, SECOND_NODE

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
    ("change", "seen"),
    [
        ({}, "198.51.100.1"),
        ({"public_ip": None}, None),
        ({"subnet_id": "subnet-9"}, None),
    ],
)
def test_the_internet_needs_a_route_to_the_gateway_and_a_public_address(
    change: dict[str, str], seen: str | None
) -> None:
    assert seen_as(VIEW, replace(INSTANCE, **change)) == seen  # type: ignore[arg-type]


PRIVATE = replace(OTHER, subnet_id="subnet-3")
BEHIND_NAT = replace(
    VIEW,
    subnets=(*VIEW.subnets, SubnetView("subnet-3", "vpc-1", "10.20.3.0/24")),
    route_tables=(
        MAIN_WITHOUT,
        TO_GATEWAY,
        RouteTableView("rtb-2", "vpc-1", False, ("subnet-3",), (RouteView("0.0.0.0/0", "nat", "nat-1"),)),
    ),
    nat_gateways=(NatGatewayView("nat-1", "subnet-1", "198.51.100.40"),),
)


def test_a_machine_behind_nat_is_seen_under_the_gateways_address() -> None:
    assert seen_as(BEHIND_NAT, PRIVATE) == "198.51.100.40"


def test_a_nat_gateway_that_is_gone_or_has_no_way_out_itself_leads_nowhere() -> None:
    assert seen_as(replace(BEHIND_NAT, nat_gateways=()), PRIVATE) is None
    misplaced = NatGatewayView("nat-1", "subnet-3", "198.51.100.40")
    assert seen_as(replace(BEHIND_NAT, nat_gateways=(misplaced,)), PRIVATE) is None


def test_storage_is_reached_by_its_endpoint_without_a_way_out() -> None:
    table = replace(MAIN_WITHOUT, routes=(RouteView("pl-1", "storage", "vpce-1"),))
    ports = {port.address: port for port in ports_of(replace(VIEW, route_tables=(table,)))}
    assert ports[OTHER.private_ip].reaches_storage
    assert ports[OTHER.private_ip].seen_as is None


@pytest.mark.parametrize(
    "name",
    ["s3.eu-central-1.amazonaws.com", "backups.s3.eu-central-1.amazonaws.com", "backups.s3.amazonaws.com"],
)
def test_storage_has_an_address_of_its_own(name: str) -> None:
    assert names_of(VIEW, INSTANCE.private_ip, name, ()) == [("A", 60, "192.0.2.3")]


def test_a_member_of_a_group_is_told_what_the_group_wants_of_it() -> None:
    view = replace(VIEW, instances=(replace(INSTANCE, target_lifecycle_state="Terminated", lifecycle="spot"),))
    identity = identity_of(view, INSTANCE.private_ip, "123456789012", "eu-central-1")
    assert identity is not None
    assert identity.metadata["autoscaling"] == {"target-lifecycle-state": "Terminated"}
    assert identity.metadata["instance-life-cycle"] == "spot"


BALANCED = replace(
    VIEW,
    balancers=(BALANCER,),
    security_groups=(
        *VIEW.security_groups,
        SecurityGroupView("sg-lb", "vpc-1", (SecurityGroupRuleView("tcp", 6443, 6443, (), ("sg-2",)),), ()),
    ),
    zones=(
        ZoneView("education.quorate.internal.", True, ("vpc-1",), (RecordView(API, "A", 60, (), BALANCER.dns_name),)),
    ),
)


def test_a_load_balancer_is_under_its_groups_rules_and_a_member_of_them() -> None:
    allowing = SecurityGroupView("sg-1", "vpc-1", (SecurityGroupRuleView("tcp", 6443, 6443, (), ("sg-lb",)),), ())
    groups = (allowing, *(group for group in BALANCED.security_groups if group.id != "sg-1"))
    view = replace(BALANCED, security_groups=groups)
    first, _ = nodes_of(view)
    assert (first.address, first.ingress) == (NODE, (Rule("tcp", 6443, 6443, (OTHER.private_ip,)),))
    ports = {port.address: port for port in ports_of(view)}
    assert ports[INSTANCE.private_ip].ingress == (Rule("tcp", 6443, 6443, (NODE, SECOND_NODE)),)


def test_a_load_balancer_is_reached_by_the_internet_where_its_subnet_leads_there() -> None:
    def public_address(subnet: str) -> str | None:
        node = replace(BALANCER.nodes[0], public_address="198.51.100.30", subnet_id=subnet)
        return nodes_of(replace(BALANCED, balancers=(replace(BALANCER, nodes=(node,)),)))[0].public_address

    assert public_address("subnet-1") == "198.51.100.30"
    assert public_address("subnet-9") is None


def test_a_load_balancer_without_groups_is_open() -> None:
    first, _ = nodes_of(replace(BALANCED, balancers=(replace(BALANCER, security_group_ids=()),)))
    assert first.ingress == first.egress == (Rule("-1", None, None, ("0.0.0.0/0",)),)


def test_an_alias_and_the_load_balancers_own_name_have_its_addresses() -> None:
    both = [("A", 60, NODE), ("A", 60, SECOND_NODE)]
    assert names_of(BALANCED, INSTANCE.private_ip, API, ()) == both
    assert names_of(BALANCED, INSTANCE.private_ip, BALANCER.dns_name, (), {NODE}) == both[1:]
    assert names_of(VIEW, INSTANCE.private_ip, BALANCER.dns_name, ()) is None


def test_the_operators_host_knows_public_addresses_alone() -> None:
    public = replace(BALANCER, internal=False, nodes=(replace(BALANCER.nodes[0], public_address="198.51.100.30"),))
    view = replace(BALANCED, balancers=(public,))
    assert public_addresses_of(view, BALANCER.dns_name) == ["198.51.100.30"]
    assert public_addresses_of(BALANCED, BALANCER.dns_name) == []
    assert public_addresses_of(BALANCED, "ec2.eu-central-1.amazonaws.com") is None


def test_a_zone_is_cut_with_the_load_balancers_node_in_it() -> None:
    (cut,) = cuts_of(BALANCED, ["eu-central-1a"], [])
    assert cut.addresses == (NODE,)


def test_a_private_zone_answers_in_its_own_vpc_alone() -> None:
    assert names_of(VIEW, INSTANCE.private_ip, API, ()) == [("A", 60, "10.20.0.16")]
    assert names_of(VIEW, STRANGER.private_ip, API, ()) is None


def test_a_private_zone_hides_the_rest_of_its_domain() -> None:
    assert names_of(VIEW, INSTANCE.private_ip, "other.education.quorate.internal", ()) is None


def test_a_private_zone_answers_with_its_soa_in_its_own_vpc() -> None:
    value = "ns-0.awsdns-00.com. hostmaster.example.com. 1 7200 900 1209600 86400"
    start = RecordView("education.quorate.internal.", "SOA", 900, (value,))
    view = replace(VIEW, zones=(replace(VIEW.zones[0], records=(*VIEW.zones[0].records, start)),))
    authority = Authority("education.quorate.internal.", 900, value)
    assert who_answers(view, INSTANCE.private_ip, "other.education.quorate.internal") == ("vpc-1", authority)
    assert who_answers(view, INSTANCE.private_ip, "example.org") == ("vpc-1", None)
    assert who_answers(view, STRANGER.private_ip, API) == ("vpc-2", None)
    assert who_answers(view, "203.0.113.1", API) == ("", None)


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
