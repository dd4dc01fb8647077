"""Machines of a group in private subnets, on the host: what boots, who reaches what, and what faults do to them.

No cluster is made here, so that this runs in a minute.
"""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from sandbox import cli, control, lifecycle, status
from sandbox.cloud.api import seeds
from tests.cluster.account import account_client, fault
from tests.cluster.host_facts import host_facts
from tests.cluster.on_machines import machine_ids, run_on
from tests.cluster.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
SIGNED = """
set -euo pipefail
imds=http://169.254.169.254/latest
token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $imds/api/token)
role=$(curl -sf -H "X-aws-ec2-metadata-token: $token" $imds/meta-data/iam/security-credentials/)
keys=$(curl -sf -H "X-aws-ec2-metadata-token: $token" $imds/meta-data/iam/security-credentials/$role)
of() { sed -n "s/.*\\"$1\\": \\"\\(.*\\)\\".*/\\1/p" <<<"$keys"; }
curl -s --max-time 5 --aws-sigv4 aws:amz:eu-central-1:ssm -u "$(of AccessKeyId):$(of SecretAccessKey)" \\
  -H "X-Amz-Security-Token: $(of Token)" -H 'Content-Type: application/x-amz-json-1.1' \\
  -H 'X-Amz-Target: AmazonSSM.GetParameter' -d "{\\"Name\\": \\"$1\\", \\"WithDecryption\\": true}" \\
  https://ssm.eu-central-1.amazonaws.com/
"""


@dataclass
class Stage:
    """An account with a group `pool` of two machines, in private subnets of two zones behind one NAT gateway."""

    environment: dict[str, str]
    private_table: str = ""
    vpc: str = ""
    nat_address: str = ""
    bastion: str = ""
    bastion_address: str = ""

    def client(self, service: str) -> Any:
        return account_client(self.environment, service)

    @cached_property
    def ec2(self) -> Any:
        return self.client("ec2")

    @cached_property
    def scaling(self) -> Any:
        return self.client("autoscaling")

    def members(self) -> list[dict[str, Any]]:
        """The group's instances in service, in order of their zones."""
        (group,) = self.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=["pool"])["AutoScalingGroups"]
        return sorted(
            (i for i in group["Instances"] if i["LifecycleState"] == "InService"), key=lambda i: i["AvailabilityZone"]
        )

    def ids(self) -> list[str]:
        return [member["InstanceId"] for member in self.members()]

    def address(self, instance: str) -> str:
        (reservation,) = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"]
        return str(reservation["Instances"][0]["PrivateIpAddress"])

    def reaches(self, instance: str, address: str, port: int, name: str = "") -> bool:
        target = f"{name}:{port}:{address}" if name else ""
        url = f"https://{name or address}:{port}/"
        resolve = ["--resolve", target] if target else []
        outcome = run_on(instance, "curl", "-sk", "--max-time", "3", "-o", "/dev/null", *resolve, url)
        # 35: the other end spoke and refused the name in TLS.
        return outcome.returncode in (0, 35)

    def pings(self, instance: str, other: str) -> bool:
        return run_on(instance, "ping", "-c", "1", "-W", "2", self.address(other)).returncode == 0


def answers(address: str) -> bool:
    """Whether a machine's sshd can be reached from the operator's host.

    By its banner: where the host's own network leads anywhere, something else may accept the connection.
    """
    try:
        with socket.create_connection((address, 22), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    lifecycle.down(print)
    before = host_facts()
    lifecycle.up(print)
    try:
        made = Stage(dict(lifecycle.environment(print)))
        build(made)
        until(lambda: len(made.members()) == 2, "two machines in service", 60)
        for instance in (made.bastion, *made.ids()):
            until(lambda: run_on(instance, "systemctl", "is-system-running").stdout.strip() == "running", "booted", 60)  # noqa: B023
        yield made
    finally:
        print(status.log_file().read_text())
        lifecycle.down(print)
    assert host_facts() == before


def build(stage: Stage) -> None:
    ec2, iam = stage.ec2, stage.client("iam")
    stage.vpc = ec2.create_vpc(CidrBlock="10.60.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=stage.vpc)

    def subnet(cidr: str, zone: str) -> str:
        made = ec2.create_subnet(VpcId=stage.vpc, CidrBlock=cidr, AvailabilityZone=f"eu-central-1{zone}")
        return str(made["Subnet"]["SubnetId"])

    def table(*subnets: str) -> str:
        made = str(ec2.create_route_table(VpcId=stage.vpc)["RouteTable"]["RouteTableId"])
        for subnet_id in subnets:
            ec2.associate_route_table(RouteTableId=made, SubnetId=subnet_id)
        return made

    public = subnet("10.60.0.0/24", "a")
    out = table(public)
    ec2.create_route(RouteTableId=out, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    address = ec2.allocate_address(Domain="vpc")
    stage.nat_address = address["PublicIp"]
    nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=address["AllocationId"])["NatGateway"]["NatGatewayId"]
    private = [subnet("10.60.1.0/24", "a"), subnet("10.60.2.0/24", "b")]
    stage.private_table = table(*private)
    ec2.create_route(RouteTableId=stage.private_table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    group = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=stage.vpc)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "10.60.0.0/16"}]}],
    )
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.1/32"}]}],
    )
    interface = ec2.create_network_interface(SubnetId=public, Groups=[group])["NetworkInterface"]["NetworkInterfaceId"]
    own = ec2.allocate_address(Domain="vpc")
    stage.bastion_address = own["PublicIp"]
    ec2.associate_address(AllocationId=own["AllocationId"], NetworkInterfaceId=interface)
    launched = ec2.run_instances(
        ImageId=seeds.DEBIAN_IMAGE,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": interface}],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "bastion"}]}],
    )
    stage.bastion = launched["Instances"][0]["InstanceId"]
    ssm = stage.client("ssm")
    for name in ("own", "other"):
        ssm.put_parameter(Name=f"/pool/{name}", Type="SecureString", Value=f"value of {name}")
    iam.create_role(
        RoleName="worker", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    )
    own = "arn:aws:ssm:eu-central-1:123456789012:parameter/pool/own"
    allowed = {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": own}
    iam.put_role_policy(
        RoleName="worker",
        PolicyName="worker",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    iam.create_instance_profile(InstanceProfileName="worker")
    iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")
    template = ec2.create_launch_template(
        LaunchTemplateName="pool",
        LaunchTemplateData={
            "ImageId": seeds.DEBIAN_IMAGE,
            "InstanceType": "t3.medium",
            "IamInstanceProfile": {"Name": "worker"},
            "MetadataOptions": {"HttpTokens": "required"},
            "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": False, "Groups": [group]}],
            "UserData": base64.b64encode(b"#!/bin/sh\necho told > /run/from-template\n").decode(),
        },
    )["LaunchTemplate"]["LaunchTemplateId"]
    stage.scaling.create_auto_scaling_group(
        AutoScalingGroupName="pool",
        MinSize=1,
        MaxSize=4,
        DesiredCapacity=2,
        VPCZoneIdentifier=",".join(private),
        LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"},
        HealthCheckGracePeriod=0,
        Tags=[{"Key": "Name", "Value": "pool", "PropagateAtLaunch": True}],
    )


def test_machines_of_a_group_boot_in_both_zones_with_the_templates_user_data(stage: Stage) -> None:
    assert [m["AvailabilityZone"][-1] for m in stage.members()] == ["a", "b"]
    for instance in stage.ids():
        assert run_on(instance, "cat", "/run/from-template").stdout == "told\n"


def test_a_machines_role_reads_its_own_parameter_and_is_refused_the_other_by_name(stage: Stage) -> None:
    instance = stage.ids()[0]
    assert '"value of own"' in run_on(instance, "bash", "-c", SIGNED, "get", "/pool/own").stdout
    said = run_on(instance, "bash", "-c", SIGNED, "get", "/pool/other").stdout
    assert "AccessDeniedException" in said
    assert "ssm:GetParameter on resource: arn:aws:ssm:eu-central-1:123456789012:parameter/pool/other" in said


def test_the_internet_sees_a_machine_under_its_own_address_or_the_nat_gateways(stage: Stage) -> None:
    for instance, address in ((stage.bastion, stage.bastion_address), (stage.ids()[0], stage.nat_address)):
        name = f"{instance}.example"
        resolve = f"{name}:443:192.0.2.1"
        run_on(instance, "curl", "-sk", "--max-time", "3", "--resolve", resolve, f"https://{name}/")
        said = f"{address} asked for https://{name}"
        until(lambda: said in status.log_file().read_text(), said, 60)  # noqa: B023


def test_the_operator_reaches_a_private_machine_only_by_way_of_the_bastion(stage: Stage) -> None:
    private = stage.ids()[0]
    until(lambda: answers(stage.bastion_address), "the bastion answers", 60)
    assert not answers(stage.address(private))
    assert stage.pings(stage.bastion, private)


def test_without_a_route_only_storage_is_reached_and_only_by_its_endpoint(stage: Stage) -> None:
    instance = stage.ids()[0]
    (nat,) = [
        route["NatGatewayId"]
        for route in stage.ec2.describe_route_tables(RouteTableIds=[stage.private_table])["RouteTables"][0]["Routes"]
        if route.get("NatGatewayId")
    ]
    stage.ec2.delete_route(RouteTableId=stage.private_table, DestinationCidrBlock="0.0.0.0/0")
    until(lambda: not stage.reaches(instance, "192.0.2.1", 443, "ssm.eu-central-1.amazonaws.com"), "no internet", 60)
    storage = "s3.eu-central-1.amazonaws.com"
    assert not stage.reaches(instance, storage, 443)
    made = stage.ec2.create_vpc_endpoint(
        VpcId=stage.vpc, ServiceName="com.amazonaws.eu-central-1.s3", RouteTableIds=[stage.private_table]
    )["VpcEndpoint"]["VpcEndpointId"]
    until(lambda: stage.reaches(instance, storage, 443), "storage reached by its endpoint", 60)
    assert not stage.reaches(instance, "192.0.2.1", 443, "ssm.eu-central-1.amazonaws.com")
    stage.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    stage.ec2.create_route(RouteTableId=stage.private_table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    until(lambda: stage.reaches(instance, storage, 443), "the way out is back", 60)


def test_a_zone_that_is_cut_is_silent_and_comes_back(stage: Stage) -> None:
    first, second = stage.ids()
    assert stage.pings(first, second)
    fault("cut-zone", "b")
    assert not stage.pings(first, second)
    assert not stage.pings(second, first)
    assert not stage.reaches(second, "192.0.2.1", 443, "ssm.eu-central-1.amazonaws.com")
    assert stage.reaches(first, "192.0.2.1", 443, "ssm.eu-central-1.amazonaws.com")
    assert "zone eu-central-1b is cut off" in control.ask(status.control_socket(), {})
    fault("heal-zone", "b")
    assert stage.pings(first, second)


def test_a_handshake_fails_once_and_the_next_is_served(stage: Stage) -> None:
    fault("fail-handshake", "bastion")
    with socket.create_connection((stage.bastion_address, 22), timeout=5) as connection:
        connection.sendall(b"SSH-2.0-first\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
    assert "handshake" not in control.ask(status.control_socket(), {})
    with socket.create_connection((stage.bastion_address, 22), timeout=5) as connection:
        assert connection.recv(100).startswith(b"SSH-2.0-OpenSSH")


def test_a_silent_parameter_store_answers_machines_again_when_it_is_healed(stage: Stage) -> None:
    instance = stage.ids()[0]
    fault("silence-parameters")
    silent = run_on(instance, "bash", "-c", SIGNED, "get", "/pool/own")
    assert (silent.returncode, silent.stdout) == (28, ""), "curl's code for no answer in time"
    assert stage.reaches(instance, "192.0.2.1", 443, "ec2.eu-central-1.amazonaws.com"), "other services answer"
    fault("heal-parameters")
    assert '"value of own"' in run_on(instance, "bash", "-c", SIGNED, "get", "/pool/own").stdout


def test_a_machine_whose_hardware_fails_is_replaced_by_its_group(stage: Stage) -> None:
    first, second = stage.ids()
    fault("kill", first)
    until(lambda: len(stage.ids()) == 2 and first not in stage.ids(), "a new machine in service", 60)
    assert second in stage.ids()
    assert sorted(m["AvailabilityZone"][-1] for m in stage.members()) == ["a", "b"]


def test_a_stopped_machine_starts_again_with_its_disk_and_its_own_name(stage: Stage) -> None:
    run_on(stage.bastion, "touch", "/var/tmp/kept")
    run_on(stage.bastion, "sh", "-c", "echo named-by-hand > /etc/hostname")
    fault("stop", "bastion")
    assert not answers(stage.bastion_address)
    fault("heal", "bastion")
    until(lambda: answers(stage.bastion_address), "the bastion answers", 60)
    assert run_on(stage.bastion, "ls", "/var/tmp/kept").returncode == 0
    assert run_on(stage.bastion, "hostname").stdout == "named-by-hand\n"


def test_the_command_line_breaks_and_reports_what_is_broken(stage: Stage) -> None:
    assert cli.main(["fault", "cut", "bastion"]) == 0
    assert f"bastion ({stage.bastion}) is cut off" in control.ask(status.control_socket(), {})
    assert not answers(stage.bastion_address)
    assert cli.main(["fault", "heal", stage.bastion]) == 0
    assert answers(stage.bastion_address)
    assert cli.main(["fault", "cut", "nobody"]) == 1


def test_a_group_scales_out_and_in_on_the_host(stage: Stage) -> None:
    for wanted in (3, 1):
        stage.scaling.set_desired_capacity(AutoScalingGroupName="pool", DesiredCapacity=wanted)
        until(lambda: len(stage.ids()) == wanted == len(machine_ids()) - 1, f"{wanted} machines and the bastion", 60)  # noqa: B023
