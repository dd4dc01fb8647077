"""A program with what worker pools and private subnets need, in two variants; see program.py."""

from __future__ import annotations

import base64
import json
import os

import pulumi
import pulumi_aws as aws

variant = int(os.environ["VARIANT"])
zones = ["eu-central-1a", "eu-central-1b"]
tags = {"Name": "probe", "variant": str(variant)}

vpc = aws.ec2.Vpc("vpc", cidr_block="10.20.0.0/16", enable_dns_hostnames=True, enable_dns_support=True, tags=tags)
gateway = aws.ec2.InternetGateway("gateway", vpc_id=vpc.id)
public_routes = aws.ec2.RouteTable("public", vpc_id=vpc.id)
aws.ec2.Route("out", route_table_id=public_routes.id, destination_cidr_block="0.0.0.0/0", gateway_id=gateway.id)

private_subnets, tables = [], []
for number, zone in enumerate(zones):
    public = aws.ec2.Subnet(
        f"public-{number}", vpc_id=vpc.id, cidr_block=f"10.20.{number}.0/24", availability_zone=zone, tags=tags
    )
    aws.ec2.RouteTableAssociation(f"public-{number}", route_table_id=public_routes.id, subnet_id=public.id)
    private = aws.ec2.Subnet(
        f"private-{number}", vpc_id=vpc.id, cidr_block=f"10.20.{128 + number}.0/24", availability_zone=zone
    )
    aws.ec2.SubnetCidrReservation(
        f"fixed-{number}",
        subnet_id=private.id,
        cidr_block=f"10.20.{128 + number}.0/28",
        reservation_type="explicit",
        description="fixed addresses",
    )
    address = aws.ec2.Eip(f"nat-{number}", domain="vpc", tags=tags, opts=pulumi.ResourceOptions(depends_on=[gateway]))
    nat = aws.ec2.NatGateway(f"nat-{number}", subnet_id=public.id, allocation_id=address.allocation_id, tags=tags)
    table = aws.ec2.RouteTable(f"private-{number}", vpc_id=vpc.id)
    aws.ec2.Route(
        f"private-{number}", route_table_id=table.id, destination_cidr_block="0.0.0.0/0", nat_gateway_id=nat.id
    )
    aws.ec2.RouteTableAssociation(f"private-{number}", route_table_id=table.id, subnet_id=private.id)
    private_subnets.append(private.id)
    tables.append(table.id)

nodes = aws.ec2.SecurityGroup("nodes", vpc_id=vpc.id, description="nodes", tags=tags)
aws.vpc.SecurityGroupEgressRule("all", security_group_id=nodes.id, ip_protocol="-1", cidr_ipv4="0.0.0.0/0")
aws.ec2.VpcEndpoint(
    "s3",
    vpc_id=vpc.id,
    service_name="com.amazonaws.eu-central-1.s3",
    vpc_endpoint_type="Gateway",
    route_table_ids=tables if variant else tables[:1],
    tags=tags,
)
trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
role = aws.iam.Role("worker", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
profile = aws.iam.InstanceProfile("worker", role=role.name)
image = aws.ssm.get_parameter(name="/aws/service/debian/release/12/latest/amd64").insecure_value


def template(name: str) -> aws.ec2.LaunchTemplate:
    return aws.ec2.LaunchTemplate(
        name,
        image_id=image,
        instance_type="t3.medium",
        update_default_version=True,
        user_data=base64.b64encode(bytes([0x1F, 0x8B, variant])).decode(),
        iam_instance_profile=aws.ec2.LaunchTemplateIamInstanceProfileArgs(arn=profile.arn),
        metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
            http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=2
        ),
        block_device_mappings=[
            aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
                device_name="/dev/xvda",
                ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                    volume_size=30, volume_type="gp3", encrypted="true", delete_on_termination="true"
                ),
            )
        ],
        network_interfaces=[
            aws.ec2.LaunchTemplateNetworkInterfaceArgs(
                device_index=0,
                associate_public_ip_address="false",
                delete_on_termination="true",
                security_groups=[nodes.id],
            )
        ],
        tag_specifications=[
            aws.ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags={"Name": f"pool-{kind}", **tags})
            for kind in ("instance", "volume")
        ],
        tags=tags,
    )


made = template("workers")
group = aws.autoscaling.Group(
    "workers",
    min_size=2 + variant,
    max_size=4,
    vpc_zone_identifiers=private_subnets,
    launch_template=aws.autoscaling.GroupLaunchTemplateArgs(id=made.id, version=made.latest_version.apply(str)),
    health_check_type="EC2",
    health_check_grace_period=0,
    default_instance_warmup=0,
    wait_for_capacity_timeout="2m",
    initial_lifecycle_hooks=[
        aws.autoscaling.GroupInitialLifecycleHookArgs(
            name="drain",
            lifecycle_transition="autoscaling:EC2_INSTANCE_TERMINATING",
            default_result="CONTINUE",
            heartbeat_timeout=30,
        )
    ],
    instance_refresh=aws.autoscaling.GroupInstanceRefreshArgs(
        strategy="Rolling",
        preferences=aws.autoscaling.GroupInstanceRefreshPreferencesArgs(
            min_healthy_percentage=100, max_healthy_percentage=150
        ),
    ),
    tags=[
        aws.autoscaling.GroupTagArgs(key="pool", value=f"general-{variant}", propagate_at_launch=True),
        aws.autoscaling.GroupTagArgs(key="own", value="1", propagate_at_launch=False),
    ],
    opts=pulumi.ResourceOptions(ignore_changes=["desiredCapacity"]),
)
spot = template("spot")
spot_group = aws.autoscaling.Group(
    "spot",
    name="probe.spot",
    min_size=1,
    max_size=3 + variant,
    vpc_zone_identifiers=private_subnets,
    mixed_instances_policy=aws.autoscaling.GroupMixedInstancesPolicyArgs(
        launch_template=aws.autoscaling.GroupMixedInstancesPolicyLaunchTemplateArgs(
            launch_template_specification=(
                aws.autoscaling.GroupMixedInstancesPolicyLaunchTemplateLaunchTemplateSpecificationArgs(
                    launch_template_id=spot.id, version="$Latest"
                )
            ),
            overrides=[
                aws.autoscaling.GroupMixedInstancesPolicyLaunchTemplateOverrideArgs(instance_type=name)
                for name in ("t3.large", "t3a.large")
            ],
        ),
        instances_distribution=aws.autoscaling.GroupMixedInstancesPolicyInstancesDistributionArgs(
            on_demand_base_capacity=0,
            on_demand_percentage_above_base_capacity=0,
            spot_allocation_strategy="price-capacity-optimized",
        ),
    ),
    health_check_grace_period=120,
    capacity_rebalance=True,
    instance_refresh=aws.autoscaling.GroupInstanceRefreshArgs(
        strategy="Rolling",
        preferences=aws.autoscaling.GroupInstanceRefreshPreferencesArgs(
            min_healthy_percentage=100, max_healthy_percentage=110, instance_warmup="60", skip_matching=True
        ),
    ),
)
aws.autoscaling.LifecycleHook(
    "spot",
    name="drain",
    autoscaling_group_name=spot_group.name,
    lifecycle_transition="autoscaling:EC2_INSTANCE_TERMINATING",
    default_result="CONTINUE",
    heartbeat_timeout=300 + variant,
)
pulumi.export("group", group.name)
