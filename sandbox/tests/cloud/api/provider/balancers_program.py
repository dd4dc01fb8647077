"""A program with load balancers before API servers, in two variants; see program.py."""

from __future__ import annotations

import os
from typing import Any

import pulumi
import pulumi_aws as aws

variant = int(os.environ["VARIANT"])
tags = {"Name": "probe", "variant": str(variant)}

vpc = aws.ec2.Vpc("vpc", cidr_block="10.20.0.0/16", enable_dns_hostnames=True, enable_dns_support=True)
gateway = aws.ec2.InternetGateway("gateway", vpc_id=vpc.id)
routes = aws.ec2.RouteTable("public", vpc_id=vpc.id)
out = aws.ec2.Route("out", route_table_id=routes.id, destination_cidr_block="0.0.0.0/0", gateway_id=gateway.id)
subnets = []
for number, zone in enumerate("ab"):
    subnet = aws.ec2.Subnet(
        f"public-{number}", vpc_id=vpc.id, cidr_block=f"10.20.{number}.0/24", availability_zone=f"eu-central-1{zone}"
    )
    aws.ec2.RouteTableAssociation(f"public-{number}", route_table_id=routes.id, subnet_id=subnet.id)
    subnets.append(subnet)
groups = [aws.ec2.SecurityGroup(name, vpc_id=vpc.id, description="load balancer") for name in ("balancer", "second")]


def balancer(name: str, internal: bool, **options: Any) -> aws.lb.LoadBalancer:
    return aws.lb.LoadBalancer(
        name,
        name=f"probe-{name}",
        load_balancer_type="network",
        internal=internal,
        security_groups=[group.id for group in groups[: 1 + variant]],
        enable_cross_zone_load_balancing=not variant,
        tags=tags,
        opts=pulumi.ResourceOptions(depends_on=[out]),
        **options,
    )


def targets(name: str, **options: Any) -> aws.lb.TargetGroup:
    return aws.lb.TargetGroup(
        name,
        name=f"probe-{name}",
        vpc_id=vpc.id,
        port=6443,
        protocol="TCP",
        preserve_client_ip="false",
        deregistration_delay=5 + variant,
        tags=tags,
        **options,
    )


internal = balancer("internal", True, subnets=[subnet.id for subnet in subnets[: 1 + variant]])
public = balancer("public", False, subnets=[subnets[0].id])
by_address = targets(
    "internal",
    target_type="ip",
    connection_termination=True,
    health_check=aws.lb.TargetGroupHealthCheckArgs(
        protocol="HTTPS",
        path="/livez" if variant else "/readyz",
        port="6443",
        matcher="200",
        interval=5 + variant,
        timeout=4,
        healthy_threshold=2,
        unhealthy_threshold=2 + variant,
    ),
)
plain = targets("public", target_type="ip")
for name, made, group in (("internal", internal, by_address), ("public", public, plain)):
    aws.lb.Listener(
        name,
        load_balancer_arn=made.arn,
        port=6443 + variant,
        protocol="TCP",
        default_actions=[aws.lb.ListenerDefaultActionArgs(type="forward", target_group_arn=group.arn)],
        tags=tags,
    )
    for host in (10, 11):
        aws.lb.TargetGroupAttachment(
            f"{name}-{host}", target_group_arn=group.arn, target_id=f"10.20.0.{host}", port=6443
        )
hosted_zone = aws.route53.Zone("zone", name="probe.internal", vpcs=[aws.route53.ZoneVpcArgs(vpc_id=vpc.id)])
aws.route53.Record(
    "api",
    zone_id=hosted_zone.zone_id,
    name="api.probe.internal",
    type="A",
    aliases=[
        aws.route53.RecordAliasArgs(
            name=internal.dns_name, zone_id=internal.zone_id, evaluate_target_health=bool(variant)
        )
    ],
)
pulumi.export("name", internal.dns_name)
pulumi.export("targets", by_address.arn)
