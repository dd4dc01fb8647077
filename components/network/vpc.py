"""The VPC: a public subnet per zone, and the way out."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ComponentResource, Output, ResourceOptions

from components.network.addresses import zone_subnets
from components.settings.model import NetworkSettings
from components.tags import Tags


class Network(ComponentResource):
    """A VPC with one public subnet in each of the first `zones` availability zones of the region.

    Subnets do not hand out public addresses: a machine that is to be reached has an Elastic IP of its own.
    """

    vpc_id: Output[str]
    zone_names: list[str]
    public_subnet_ids: list[Output[str]]
    internet_gateway: aws.ec2.InternetGateway

    def __init__(self, name: str, settings: NetworkSettings, tags: Tags, opts: ResourceOptions | None = None) -> None:
        super().__init__("quorate:network:Network", name, None, opts)
        child = ResourceOptions(parent=self)
        self.zone_names = _zone_names(settings.zones)
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=settings.vpc_cidr,
            # Both are needed for a private zone to resolve.
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=tags.named("vpc"),
            opts=child,
        )
        self.vpc_id = vpc.id
        self.internet_gateway = aws.ec2.InternetGateway(
            f"{name}-internet", vpc_id=vpc.id, tags=tags.named("internet"), opts=child
        )
        routes = aws.ec2.RouteTable(f"{name}-public", vpc_id=vpc.id, tags=tags.named("public"), opts=child)
        self.default_route = aws.ec2.Route(
            f"{name}-public-default",
            route_table_id=routes.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=self.internet_gateway.id,
            opts=child,
        )
        self.public_subnet_ids = []
        subnets = zone_subnets(settings.vpc_cidr, settings.zones)
        for index, zone in enumerate(self.zone_names):
            # Named by index: a zone's name never decides identity.
            subnet = aws.ec2.Subnet(
                f"{name}-public-{index}",
                vpc_id=vpc.id,
                cidr_block=subnets[index].public,
                availability_zone=zone,
                map_public_ip_on_launch=False,
                tags=tags.named(f"public-{index}"),
                opts=child,
            )
            aws.ec2.RouteTableAssociation(
                f"{name}-public-{index}", subnet_id=subnet.id, route_table_id=routes.id, opts=child
            )
            self.public_subnet_ids.append(subnet.id)
        self.register_outputs({"vpcId": self.vpc_id})


def _zone_names(count: int) -> list[str]:
    """The first `count` zones of the region by name, without local zones. Raises RunError if there are fewer."""
    names = sorted(
        aws.get_availability_zones(
            state="available",
            filters=[aws.GetAvailabilityZonesFilterArgs(name="opt-in-status", values=["opt-in-not-required"])],
        ).names
    )
    if len(names) < count:
        raise pulumi.RunError(
            f"quorate:network.zones is {count}, but the region has {len(names)}: {', '.join(names)}. Choose fewer zones"
        )
    return names[:count]
