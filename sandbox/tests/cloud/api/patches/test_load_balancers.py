"""Network load balancers, their nodes and listeners."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.tests.cloud.api.account import Account, refused
from sandbox.tests.cloud.api.balancers import balancer, listener, targets


def interfaces(account: Account) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = account.ec2.describe_network_interfaces()["NetworkInterfaces"]
    return found


@pytest.mark.fixes("load_balancers")
def test_a_network_load_balancer_is_called_one(account: Account, subnet: str) -> None:
    made = balancer(account, subnet)
    number = made["LoadBalancerArn"].rpartition("/")[2]
    assert ":loadbalancer/net/api/" in made["LoadBalancerArn"]
    assert made["DNSName"] == f"api-{number}.elb.eu-central-1.amazonaws.com"
    assert made["CanonicalHostedZoneId"] == "Z3F0SRJ5LGBH90"


@pytest.mark.fixes("load_balancers")
def test_names_are_unique_and_well_formed(account: Account, subnet: str) -> None:
    balancer(account, subnet)
    with refused("DuplicateLoadBalancerName"):
        balancer(account, subnet)
    for name in ("-api", "internal-api", "a_b", "a" * 33):
        with refused("ValidationError"):
            balancer(account, subnet, name=name)


@pytest.mark.fixes("load_balancer_nodes")
def test_each_subnet_has_an_interface_of_the_load_balancer_as_long_as_it_lives(
    account: Account, vpc: str, subnet: str, elb: Any
) -> None:
    group = account.group(vpc)
    arn = balancer(account, subnet, account.subnet(vpc, "10.50.2.0/24", "b"), SecurityGroups=[group])["LoadBalancerArn"]
    assert [i["PrivateIpAddress"] for i in interfaces(account)] == ["10.50.1.4", "10.50.2.4"]
    assert all(i["Groups"][0]["GroupId"] == group for i in interfaces(account))
    with refused("DependencyViolation"):
        account.ec2.delete_security_group(GroupId=group)
    with refused("OperationNotPermitted"):
        account.ec2.delete_network_interface(NetworkInterfaceId=interfaces(account)[0]["NetworkInterfaceId"])
    elb.delete_load_balancer(LoadBalancerArn=arn)
    assert interfaces(account) == []
    account.ec2.delete_security_group(GroupId=group)


@pytest.mark.fixes("load_balancer_nodes")
def test_one_that_faces_the_internet_has_public_addresses(account: Account, vpc: str, subnet: str) -> None:
    second = account.subnet(vpc, "10.50.2.0/24", "b")
    balancer(account, Scheme="internet-facing", SubnetMappings=[{"SubnetId": subnet}, {"SubnetId": second}])
    assert [node.public_address for node in account.api.view().balancers[0].nodes] == ["198.51.100.1", "198.51.100.2"]


@pytest.mark.fixes("load_balancer_nodes")
def test_facing_the_internet_needs_a_way_to_it(account: Account) -> None:
    with refused("InvalidSubnet"):
        balancer(account, account.subnet(account.vpc()), Scheme="internet-facing")
    assert interfaces(account) == []


@pytest.mark.fixes("load_balancer_limits")
@pytest.mark.parametrize("key", ["AllocationId", "PrivateIPv4Address"])
def test_addresses_that_are_asked_for_are_refused_by_name(account: Account, subnet: str, key: str) -> None:
    with refused("SandboxNotModelled") as refusal:
        balancer(account, SubnetMappings=[{"SubnetId": subnet, key: "10.50.1.9"}])
    assert f"{key} (10.50.1.9)" in refusal.message


@pytest.mark.fixes("load_balancer_nodes")
def test_subnets_and_groups_are_of_one_network_and_a_zone_has_one(account: Account, vpc: str, subnet: str) -> None:
    with refused("InvalidConfigurationRequest"):
        balancer(account, subnet, account.subnet(vpc, "10.50.2.0/24", "a"))
    with refused("InvalidConfigurationRequest"):
        balancer(account, subnet, SecurityGroups=[account.group(account.vpc())])


@pytest.mark.fixes("load_balancer_nodes")
def test_security_groups_are_there_from_the_beginning_or_never(
    account: Account, vpc: str, subnet: str, elb: Any
) -> None:
    arn = balancer(account, subnet)["LoadBalancerArn"]
    with refused("InvalidConfigurationRequest"):
        elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[account.group(vpc)])


@pytest.mark.fixes("load_balancer_nodes")
def test_changed_subnets_and_groups_change_the_interfaces(account: Account, vpc: str, subnet: str, elb: Any) -> None:
    arn = balancer(account, subnet, SecurityGroups=[account.group(vpc)])["LoadBalancerArn"]
    second, group = account.subnet(vpc, "10.50.2.0/24", "b"), account.group(vpc, "second")
    elb.set_subnets(LoadBalancerArn=arn, Subnets=[second])
    elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[group])
    (interface,) = interfaces(account)
    assert (interface["SubnetId"], interface["Groups"][0]["GroupId"]) == (second, group)


@pytest.mark.fixes("load_balancers")
def test_deletion_protection_protects(account: Account, subnet: str, elb: Any) -> None:
    arn = balancer(account, subnet)["LoadBalancerArn"]
    for value in ("true", "false"):
        wanted = [{"Key": "deletion_protection.enabled", "Value": value}]
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=wanted)
        if value == "true":
            with refused("OperationNotPermitted"):
                elb.delete_load_balancer(LoadBalancerArn=arn)
    elb.delete_load_balancer(LoadBalancerArn=arn)


@pytest.mark.fixes("load_balancers")
def test_a_port_has_one_listener(account: Account, vpc: str, subnet: str, elb: Any) -> None:
    arn, group = balancer(account, subnet)["LoadBalancerArn"], targets(account, vpc)
    listener(account, arn, group)
    with refused("DuplicateListener"):
        listener(account, arn, group)
    second = listener(account, arn, group, 8443)
    with refused("DuplicateListener"):
        elb.modify_listener(ListenerArn=second, Port=6443)
    assert "SslPolicy" not in elb.describe_listeners(ListenerArns=[second])["Listeners"][0]


@pytest.mark.fixes("alias_records")
def test_an_alias_leads_to_a_load_balancer_that_is_there(account: Account, vpc: str, subnet: str) -> None:
    route53, made = account.client("route53"), balancer(account, subnet)
    network = {"VPCRegion": "eu-central-1", "VPCId": vpc}
    zone = route53.create_hosted_zone(Name="probe.internal", CallerReference="1", VPC=network)["HostedZone"]["Id"]

    def point_at(name: str, hosted_zone: str) -> None:
        target = {"DNSName": name, "HostedZoneId": hosted_zone, "EvaluateTargetHealth": True}
        record = {"Name": "api.probe.internal", "Type": "A", "AliasTarget": target}
        changes = [{"Action": "UPSERT", "ResourceRecordSet": record}]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    with refused("InvalidChangeBatch"):
        point_at("gone-1.elb.eu-central-1.amazonaws.com", made["CanonicalHostedZoneId"])
    with refused("InvalidChangeBatch"):
        point_at(made["DNSName"], "Z2P70J7EXAMPLE")
    point_at(made["DNSName"], made["CanonicalHostedZoneId"])
    (found,) = account.api.view().zones
    assert [r.alias for r in found.records if r.name.startswith("api.")] == [made["DNSName"]]


@pytest.mark.fixes("load_balancer_limits")
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"Type": "application"}, "Type (application)"),
        ({"IpAddressType": "dualstack"}, "IpAddressType (dualstack)"),
    ],
)
def test_what_load_balancers_do_not_model_is_refused_by_name(
    account: Account, subnet: str, options: dict[str, Any], named: str
) -> None:
    with refused("SandboxNotModelled") as refusal:
        balancer(account, subnet, **options)
    assert named in refusal.message


@pytest.mark.fixes("load_balancer_limits")
def test_values_that_attributes_cannot_have_are_refused(account: Account, vpc: str, subnet: str, elb: Any) -> None:
    arn = balancer(account, subnet)["LoadBalancerArn"]
    front = listener(account, arn, targets(account, vpc))
    with refused("SandboxNotModelled"):
        wanted = [{"Key": "load_balancing.cross_zone.enabled", "Value": "on"}]
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=wanted)
    with refused("SandboxNotModelled"):
        wanted = [{"Key": "tcp.idle_timeout.seconds", "Value": "59"}]
        elb.modify_listener_attributes(ListenerArn=front, Attributes=wanted)
    wanted = [{"Key": "tcp.idle_timeout.seconds", "Value": "6000"}]
    elb.modify_listener_attributes(ListenerArn=front, Attributes=wanted)
    (seen,) = account.api.view().balancers
    assert [told.idle_timeout for told in seen.listeners] == [6000]
