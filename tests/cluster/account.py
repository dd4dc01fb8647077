"""Speaks to the sandbox's account as the operator's programs do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
import botocore.config

from tests import sandbox_cli


def account_client(environment: Mapping[str, str], service: str) -> Any:
    """A boto3 client of a service of AWS, by way of the operator's proxy."""
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name="eu-central-1",
    )
    config = botocore.config.Config(proxies={"https": environment["HTTPS_PROXY"]})
    return session.client(service, verify=environment["AWS_CA_BUNDLE"], config=config)


def instance_ids(environment: Mapping[str, str]) -> dict[str, list[str]]:
    """Ids of the instances that run, by their Name tag; those of a pool's machines share one."""
    found: dict[str, list[str]] = {}
    running = [{"Name": "instance-state-name", "Values": ["running"]}]
    for reservation in account_client(environment, "ec2").describe_instances(Filters=running)["Reservations"]:
        for instance in reservation["Instances"]:
            tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
            found.setdefault(tags.get("Name", ""), []).append(instance["InstanceId"])
    return found


def fault(kind: str, *name: str) -> str:
    """Breaks or heals a machine, a zone or the load balancers; returns what the sandbox says when it is so."""
    return sandbox_cli.sandbox("fault", kind, *name)


def instances_by_address(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the account says of the instances that run, by their private address."""
    running = [{"Name": "instance-state-name", "Values": ["running"]}]
    reservations = account_client(environment, "ec2").describe_instances(Filters=running)["Reservations"]
    return {i["PrivateIpAddress"]: i for reservation in reservations for i in reservation["Instances"]}


def holdings(environment: Mapping[str, str]) -> dict[str, list[str]]:
    """Ids of what costs money or stands in a way, by kind, without what is deleted and only remembered."""
    ec2 = account_client(environment, "ec2")
    balancing = account_client(environment, "elbv2")
    groups = account_client(environment, "autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    alive = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped", "shutting-down"]}]
    instances = ec2.describe_instances(Filters=alive)["Reservations"]
    gateways = [g for g in ec2.describe_nat_gateways()["NatGateways"] if g["State"] != "deleted"]
    found = {
        "instances": [i["InstanceId"] for reservation in instances for i in reservation["Instances"]],
        "volumes": [v["VolumeId"] for v in ec2.describe_volumes()["Volumes"]],
        "interfaces": [i["NetworkInterfaceId"] for i in ec2.describe_network_interfaces()["NetworkInterfaces"]],
        "addresses": [a["AllocationId"] for a in ec2.describe_addresses()["Addresses"]],
        "NAT gateways": [g["NatGatewayId"] for g in gateways],
        "networks": [v["VpcId"] for v in ec2.describe_vpcs()["Vpcs"]],
        "security groups": [g["GroupId"] for g in ec2.describe_security_groups()["SecurityGroups"]],
        "load balancers": [b["LoadBalancerArn"] for b in balancing.describe_load_balancers()["LoadBalancers"]],
        "target groups": [g["TargetGroupArn"] for g in balancing.describe_target_groups()["TargetGroups"]],
        "groups of machines": [g["AutoScalingGroupName"] for g in groups],
    }
    return {kind: sorted(ids) for kind, ids in found.items()}
