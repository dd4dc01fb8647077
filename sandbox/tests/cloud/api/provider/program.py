"""A program with every kind of resource that a one-machine cluster has, in two variants.

What can change in place does so between variant 0 and variant 1. Run by the test beside it, with the AWS provider.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pulumi
import pulumi_aws as aws

variant = int(os.environ["VARIANT"])
public_key = Path("operator.pub").read_text().strip()
once_attached = pulumi.ResourceOptions(delete_before_replace=True)
own_zones = [aws.GetAvailabilityZonesFilterArgs(name="opt-in-status", values=["opt-in-not-required"])]
# The second zone: what stands in the first one by mistake is found.
zone = sorted(aws.get_availability_zones(state="available", filters=own_zones).names)[1]
account = aws.get_caller_identity().account_id
image = aws.ssm.get_parameter(name="/aws/service/debian/release/12/latest/amd64").insecure_value
tags = {"Name": "probe", "variant": str(variant)}

vpc = aws.ec2.Vpc("vpc", cidr_block="10.20.0.0/16", enable_dns_hostnames=True, enable_dns_support=True, tags=tags)
gateway = aws.ec2.InternetGateway("gateway", vpc_id=vpc.id, tags=tags)
subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.20.1.0/24", availability_zone=zone, tags=tags)
routes = aws.ec2.RouteTable("routes", vpc_id=vpc.id, tags=tags)
aws.ec2.Route("out", route_table_id=routes.id, destination_cidr_block="0.0.0.0/0", gateway_id=gateway.id)
aws.ec2.RouteTableAssociation("association", route_table_id=routes.id, subnet_id=subnet.id)

nodes = aws.ec2.SecurityGroup("nodes", vpc_id=vpc.id, description="nodes", tags=tags)
others = aws.ec2.SecurityGroup("others", vpc_id=vpc.id, description="others", tags=tags)
aws.vpc.SecurityGroupIngressRule(
    "api",
    security_group_id=nodes.id,
    ip_protocol="tcp",
    from_port=6443,
    to_port=6443,
    cidr_ipv4=f"203.0.113.{variant}/32",
    description=f"api {variant}",
    tags=tags,
)
for protocol, ports in {"udp": (8472, 8472), "-1": (None, None), "4": (None, None)}.items():
    aws.vpc.SecurityGroupIngressRule(
        f"others-{protocol}",
        security_group_id=nodes.id,
        ip_protocol=protocol,
        from_port=ports[0],
        to_port=ports[1],
        referenced_security_group_id=others.id,
        description=f"others {variant}",
    )
aws.vpc.SecurityGroupEgressRule("all", security_group_id=nodes.id, ip_protocol="-1", cidr_ipv4="0.0.0.0/0")


def policy(statement: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


trust = policy({"Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}})
profiles = []
for name in ("first", "second"):
    role = aws.iam.Role(name, assume_role_policy=trust, description=name, max_session_duration=3600 + 60 * variant)
    parameters = f"arn:aws:ssm:eu-central-1:{account}:parameter/probe/{variant}/*"
    aws.iam.RolePolicy(name, role=role.name, policy=policy({"Action": "ssm:GetParameter", "Resource": parameters}))
    profiles.append(aws.iam.InstanceProfile(name, role=role.name, tags=tags).name)
key = aws.ec2.KeyPair("operator", public_key=public_key, tags=tags)
aws.ssm.Parameter("secret", name="/probe/secret", type="SecureString", value=pulumi.Output.secret(f"v{variant}"))

zone_of_cluster = aws.route53.Zone(
    "cluster", name="probe.internal", comment=str(variant), vpcs=[aws.route53.ZoneVpcArgs(vpc_id=vpc.id)]
)
aws.route53.Record(
    "api", zone_id=zone_of_cluster.zone_id, name="api.probe.internal", type="A", ttl=60, records=["10.20.1.10"]
)

bucket = aws.s3.Bucket("backups", force_destroy=True, tags=tags)
aws.s3.BucketVersioning(
    "backups",
    bucket=bucket.id,
    versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
)
aws.s3.BucketPublicAccessBlock("backups", bucket=bucket.id, block_public_acls=True, block_public_policy=True)
aws.s3.BucketObjectv2("snapshot", bucket=bucket.id, key="a", content=f"v{variant}")

interface = aws.ec2.NetworkInterface(
    "machine",
    subnet_id=subnet.id,
    private_ips=["10.20.1.10"],
    security_groups=[(others if variant else nodes).id],
    description=f"machine {variant}",
    tags=tags,
    opts=once_attached,
)
address = aws.ec2.Eip("machine", domain="vpc", tags=tags, opts=pulumi.ResourceOptions(depends_on=[gateway]))
aws.ec2.EipAssociation(
    "machine", allocation_id=address.allocation_id, network_interface_id=interface.id, opts=once_attached
)
volume = aws.ebs.Volume(
    "data", availability_zone=zone, size=20, type="gp3", encrypted=True, iops=3500, throughput=200, tags=tags
)
machine = aws.ec2.Instance(
    "machine",
    ami=image,
    instance_type="t3.large",
    key_name=key.key_name,
    iam_instance_profile=profiles[variant],
    primary_network_interface=aws.ec2.InstancePrimaryNetworkInterfaceArgs(network_interface_id=interface.id),
    metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
        http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1 + variant
    ),
    credit_specification=aws.ec2.InstanceCreditSpecificationArgs(cpu_credits="standard"),
    root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
        volume_type="gp3", volume_size=30, encrypted=True, iops=3200, delete_on_termination=True, tags=tags
    ),
    user_data_base64=base64.b64encode(bytes([0x1F, 0x8B, 0xFF])).decode(),
    tags=tags,
    opts=once_attached,
)
aws.ec2.VolumeAttachment(
    "data", device_name="/dev/sdf", volume_id=volume.id, instance_id=machine.id, opts=once_attached
)
# The other form of a launch: subnet, groups and address with the instance, protected against termination at first.
aws.ec2.Instance(
    "plain",
    ami=image,
    instance_type="t3.micro",
    subnet_id=subnet.id,
    private_ip="10.20.1.77",
    vpc_security_group_ids=[nodes.id] if not variant else [nodes.id, others.id],
    associate_public_ip_address=False,
    source_dest_check=False,
    disable_api_termination=not variant,
    user_data="#!/bin/sh\n",
    tags=tags,
)
pulumi.export("zone", machine.availability_zone)
pulumi.export("address", address.public_ip)
