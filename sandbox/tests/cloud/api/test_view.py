from __future__ import annotations

import json
import threading

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from sandbox.cloud.api.view import RecordView, RouteView, SecurityGroupRuleView
from sandbox.tests.cloud.api.account import Account
from sandbox.tests.cloud.api.balancers import targets

_OF_UNHEALTHY = "target_health_state.unhealthy."


def public_key() -> str:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def test_an_instance_is_seen_with_all_that_its_machine_needs(account: Account) -> None:
    ec2, vpc = account.ec2, account.vpc()
    account.gateway(vpc)
    group = account.group(vpc)
    subnet = account.subnet(vpc, zone="b")
    interface = account.interface(subnet, PrivateIpAddress="10.50.1.10", Groups=[group])
    allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface)
    key = public_key()
    ec2.import_key_pair(KeyName="operator", PublicKeyMaterial=key.encode())
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    iam.create_role(
        RoleName="role", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    arn = iam.create_instance_profile(InstanceProfileName="profile")["InstanceProfile"]["Arn"]
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName="role")
    user_data = bytes([0x1F, 0x8B, 0xFF])
    instance = account.instance_on(
        interface,
        KeyName="operator",
        IamInstanceProfile={"Name": "profile"},
        UserData=user_data,
        MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "cp-0"}]}],
    )
    volume = ec2.create_volume(AvailabilityZone="eu-central-1b", Size=20)["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    view = account.api.view()
    (seen,) = view.instances
    assert (seen.id, seen.state, seen.zone) == (instance, "running", "eu-central-1b")
    assert (seen.private_ip, seen.public_ip, seen.subnet_id, seen.vpc_id) == (
        "10.50.1.10",
        "198.51.100.1",
        subnet,
        vpc,
    )
    assert seen.private_dns_name == "ip-10-50-1-10.eu-central-1.compute.internal"
    assert (seen.security_group_ids, seen.source_dest_check) == ((group,), True)
    assert (seen.public_key, seen.user_data, seen.tags) == (key, user_data, {"Name": "cp-0"})
    assert (seen.role_name, seen.instance_profile_arn) == ("role", arn)
    assert (seen.http_tokens, seen.http_put_response_hop_limit) == ("required", 2)
    assert sorted((a.device, a.is_root) for a in seen.attachments) == [("/dev/sdf", False), ("/dev/xvda", True)]
    assert {(v.id == volume, v.size_gib, v.is_root) for v in view.volumes} == {(True, 20, False), (False, 8, True)}


def test_the_rules_of_groups_are_seen_with_their_peers(account: Account) -> None:
    group = account.group(account.vpc())
    account.ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.0/24"}]},
            {"IpProtocol": "4", "UserIdGroupPairs": [{"GroupId": group}]},
            {"IpProtocol": "icmp", "FromPort": 3, "ToPort": 4, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        ],
    )
    seen = next(g for g in account.api.view().security_groups if g.id == group)
    assert seen.ingress == (
        SecurityGroupRuleView("tcp", 22, 22, ("203.0.113.0/24",), ()),
        SecurityGroupRuleView("4", -1, -1, (), (group,)),
        # A type and its code.
        SecurityGroupRuleView("icmp", 3, 4, ("0.0.0.0/0",), ()),
    )
    assert seen.egress == (SecurityGroupRuleView("-1", None, None, ("0.0.0.0/0",), ()),)


def test_the_ways_out_of_a_subnet_are_seen(account: Account) -> None:
    vpc = account.vpc()
    subnet, gateway = account.subnet(vpc), account.gateway(vpc)
    table = account.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    account.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    account.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    seen = {t.main: t for t in account.api.view().route_tables if t.vpc_id == vpc}
    assert RouteView("0.0.0.0/0", "igw", gateway) in seen[False].routes
    assert seen[False].subnet_ids == (subnet,)
    assert RouteView("0.0.0.0/0", "igw") not in seen[True].routes


def test_the_records_of_a_private_zone_are_seen(account: Account) -> None:
    route53, vpc = account.client("route53"), account.vpc()
    zone = route53.create_hosted_zone(
        Name="c.internal", CallerReference="1", VPC={"VPCRegion": "eu-central-1", "VPCId": vpc}
    )["HostedZone"]["Id"]
    record = {"Name": "api.c.internal", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "10.50.1.10"}]}
    route53.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )
    (seen,) = account.api.view().zones
    assert (seen.name, seen.private, seen.vpc_ids) == ("c.internal.", True, (vpc,))
    assert RecordView("api.c.internal.", "A", 60, ("10.50.1.10",)) in seen.records


def test_a_view_is_never_older_than_the_change_that_was_told_of(account: Account) -> None:
    before = account.api.view()
    assert account.api.view() is before
    vpc = account.vpc()
    assert vpc in {seen.id for seen in account.api.view().vpcs}


def test_whoever_listens_is_told_of_changes_and_not_of_reads(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    told = threading.Semaphore(0)
    monkeypatch.setattr(account.api, "_listeners", [])
    account.api.on_change(lambda: told.release())
    account.ec2.describe_vpcs()
    assert not told.acquire(timeout=0.2)
    account.vpc()
    assert told.acquire(timeout=5)


def test_user_data_is_as_the_client_gave_it(account: Account) -> None:
    content = b"#cloud-config\n"
    account.instance(SubnetId=account.subnet(account.vpc()), UserData=content)
    (seen,) = account.api.view().instances
    assert seen.user_data == content


def test_the_view_knows_where_routes_lead(account: Account) -> None:
    vpc = account.vpc()
    account.gateway(vpc)
    allocation = account.ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = account.ec2.create_nat_gateway(SubnetId=account.subnet(vpc), AllocationId=allocation)
    gateway = made["NatGateway"]["NatGatewayId"]
    table = account.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    account.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=gateway)
    endpoint = account.ec2.create_vpc_endpoint(
        VpcId=vpc, RouteTableIds=[table], ServiceName="com.amazonaws.eu-central-1.s3", VpcEndpointType="Gateway"
    )["VpcEndpoint"]["VpcEndpointId"]
    view = account.api.view()
    (found,) = [known for known in view.route_tables if known.id == table]
    assert {(r.target_kind, r.target_id) for r in found.routes} >= {("nat", gateway), ("storage", endpoint)}
    assert [(known.id, known.public_ip) for known in view.nat_gateways] == [(gateway, "198.51.100.1")]


@pytest.mark.parametrize(
    ("termination", "interval", "draining"),
    [("true", "0", 0), ("false", "300", 300), ("false", "360000", 360000), ("false", "0", None)],
)
def test_a_target_group_is_seen_with_how_its_unhealthy_targets_drain(
    account: Account, termination: str, interval: str, draining: int | None
) -> None:
    group = targets(account, account.vpc())
    wanted = {"connection_termination.enabled": termination, "draining_interval_seconds": interval}
    account.client("elbv2").modify_target_group_attributes(
        TargetGroupArn=group,
        Attributes=[{"Key": _OF_UNHEALTHY + key, "Value": value} for key, value in wanted.items()],
    )
    (seen,) = account.api.view().target_groups
    assert seen.unhealthy_draining == draining
