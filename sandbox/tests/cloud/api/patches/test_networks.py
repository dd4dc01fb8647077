from __future__ import annotations

from typing import Any

import pytest

from sandbox.tests.cloud.api.account import Account, refused


@pytest.fixture
def vpc(account: Account) -> str:
    return account.vpc()


def rule(account: Account, group: str, **permission: Any) -> dict[str, Any]:
    """Adds one ingress rule, and returns it as it is read back."""
    added = account.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    return read(account, added["SecurityGroupRules"][0]["SecurityGroupRuleId"])


def read(account: Account, rule_id: str) -> dict[str, Any]:
    found: dict[str, Any] = account.ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule_id])[
        "SecurityGroupRules"
    ][0]
    return found


@pytest.mark.fixes("security_group_rules")
def test_a_protocol_without_ports_needs_none(account: Account, vpc: str) -> None:
    group = account.group(vpc)
    found = rule(account, group, IpProtocol="4", UserIdGroupPairs=[{"GroupId": group}])
    assert (found["IpProtocol"], found["FromPort"], found["ToPort"]) == ("4", -1, -1)


@pytest.mark.fixes("security_group_rules")
def test_the_description_of_a_rule_with_a_peer_group_is_read_back(account: Account, vpc: str) -> None:
    group = account.group(vpc)
    pairs = [{"GroupId": group, "Description": "nodes to nodes"}]
    found = rule(account, group, IpProtocol="tcp", FromPort=1, ToPort=2, UserIdGroupPairs=pairs)
    assert found["Description"] == "nodes to nodes"


@pytest.mark.fixes("security_group_rules")
def test_a_rule_with_a_peer_group_can_be_changed(account: Account, vpc: str) -> None:
    group, other = account.group(vpc), account.group(vpc, "other")
    made = rule(account, group, IpProtocol="tcp", FromPort=1, ToPort=2, UserIdGroupPairs=[{"GroupId": group}])
    wanted = {"IpProtocol": "-1", "ReferencedGroupId": other, "Description": "new"}
    account.ec2.modify_security_group_rules(
        GroupId=group,
        SecurityGroupRules=[{"SecurityGroupRuleId": made["SecurityGroupRuleId"], "SecurityGroupRule": wanted}],
    )
    found = read(account, made["SecurityGroupRuleId"])
    assert (found["ReferencedGroupInfo"]["GroupId"], found["Description"], found["IpProtocol"]) == (other, "new", "-1")


@pytest.mark.parametrize(
    "permission",
    [
        {"IpProtocol": "47", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": "pl-1"}]},
    ],
    ids=["protocol", "IPv6", "prefix list"],
)
@pytest.mark.fixes("rules_enforced")
def test_a_rule_that_the_firewall_cannot_enforce_is_refused(
    account: Account, vpc: str, permission: dict[str, Any]
) -> None:
    with refused("SandboxNotModelled"):
        rule(account, account.group(vpc), **permission)


@pytest.mark.fixes("in_use")
def test_a_group_in_use_by_an_interface_or_a_rule_is_not_deleted(account: Account, vpc: str) -> None:
    used, named = account.group(vpc, "used"), account.group(vpc, "named")
    interface = account.interface(account.subnet(vpc), Groups=[used])
    rule(account, used, IpProtocol="-1", UserIdGroupPairs=[{"GroupId": named}])
    with refused("DependencyViolation") as refusal:
        account.ec2.delete_security_group(GroupId=used)
    assert interface in refusal.message
    with refused("DependencyViolation"):
        account.ec2.delete_security_group(GroupId=named)


@pytest.mark.fixes("in_use")
def test_the_default_group_is_not_deleted(account: Account, vpc: str) -> None:
    found = account.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    with refused("CannotDelete"):
        account.ec2.delete_security_group(GroupId=found[0]["GroupId"])


@pytest.mark.fixes("in_use")
def test_a_subnet_with_interfaces_is_not_deleted(account: Account, vpc: str) -> None:
    subnet = account.subnet(vpc)
    account.interface(subnet)
    with refused("DependencyViolation"):
        account.ec2.delete_subnet(SubnetId=subnet)


@pytest.mark.parametrize("dependent", ["group", "gateway"])
@pytest.mark.fixes("in_use")
def test_a_vpc_that_is_not_empty_is_not_deleted(account: Account, vpc: str, dependent: str) -> None:
    made = getattr(account, dependent)(vpc)
    with refused("DependencyViolation") as refusal:
        account.ec2.delete_vpc(VpcId=vpc)
    assert made in refusal.message


@pytest.mark.fixes("in_use")
def test_nothing_of_a_deleted_vpc_stays(account: Account, vpc: str) -> None:
    account.ec2.delete_vpc(VpcId=vpc)
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    assert account.ec2.describe_network_acls(Filters=of_vpc)["NetworkAcls"] == []
    assert account.ec2.describe_route_tables(Filters=of_vpc)["RouteTables"] == []
    assert account.ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"] == []


@pytest.mark.fixes("in_use")
def test_a_gateway_stays_while_addresses_go_through_it(account: Account, vpc: str) -> None:
    gateway = account.gateway(vpc)
    allocation = account.ec2.allocate_address(Domain="vpc")["AllocationId"]
    account.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=account.interface(account.subnet(vpc)))
    with refused("DependencyViolation"):
        account.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)


@pytest.mark.fixes("hosted_zones")
def test_a_zone_made_with_a_vpc_is_private_and_remembers_it(account: Account, vpc: str) -> None:
    route53 = account.client("route53")
    made = route53.create_hosted_zone(
        Name="cluster.internal", CallerReference="1", VPC={"VPCRegion": "eu-central-1", "VPCId": vpc}
    )
    found = route53.get_hosted_zone(Id=made["HostedZone"]["Id"])
    assert found["HostedZone"]["Config"]["PrivateZone"] is True
    assert found["VPCs"] == [{"VPCRegion": "eu-central-1", "VPCId": vpc}]


@pytest.mark.fixes("closed_zones")
def test_a_zone_that_is_unavailable_takes_no_subnet(account: Account, vpc: str) -> None:
    account.api.set_zone_closed("eu-central-1b", True)
    with refused("InvalidParameterValue"):
        account.subnet(vpc, "10.50.2.0/24", "b")
    account.subnet(vpc, "10.50.3.0/24", "c")
    account.api.set_zone_closed("eu-central-1b", False)
    account.subnet(vpc, "10.50.2.0/24", "b")
