"""The VPC: subnets in each zone, and their ways out."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_aws as aws
from pulumi import ComponentResource, Output, ResourceOptions

from components.addresses import fixed_range
from components.network.private_subnets import PrivateSubnets
from components.plan import Plan
from components.tags import Tags


class Network(ComponentResource):
    """A VPC with one public subnet in each of its availability zones.

    With NAT there is a private one beside each, and machines stand there. Subnets do not hand out public addresses by
    themselves: who is to have one says so. Where other things get addresses in the machines'
    subnets, those that machines keep are reserved.
    """

    vpc: aws.ec2.Vpc
    vpc_id: Output[str]
    region: str
    zone_names: Sequence[str]
    public_subnet_ids: list[Output[str]]
    machine_subnet_ids: list[Output[str]]
    machine_subnet_cidrs: list[str]
    reservations: list[aws.ec2.SubnetCidrReservation]
    internet_gateway: aws.ec2.InternetGateway

    def __init__(
        self,
        name: str,
        plan: Plan,
        region: str,
        zone_names: Sequence[str],
        tags: Tags,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:network:Network", name, None, opts)
        child = ResourceOptions(parent=self)
        settings, subnets = plan.settings.network, plan.subnets
        self.region = region
        self.zone_names = zone_names
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=settings.vpc_cidr,
            # Both are needed for a private zone to resolve.
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=tags.named("vpc"),
            opts=child,
        )
        self.vpc, self.vpc_id = vpc, vpc.id
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
        associations = []
        for index, zone in enumerate(self.zone_names):
            # Named by index: a zone's name never decides identity.
            subnet = aws.ec2.Subnet(
                f"{name}-public-{index}",
                vpc_id=vpc.id,
                cidr_block=subnets[index].public,
                availability_zone=zone,
                map_public_ip_on_launch=False,
                tags=tags.named(f"public-{index}"),
                # Whatever a zone's name comes from: what is there is never replaced for it.
                opts=ResourceOptions(parent=self, ignore_changes=["availabilityZone"]),
            )
            associations.append(
                aws.ec2.RouteTableAssociation(
                    f"{name}-public-{index}", subnet_id=subnet.id, route_table_id=routes.id, opts=child
                )
            )
            self.public_subnet_ids.append(subnet.id)
        self.machine_subnet_ids = self.public_subnet_ids
        self.machine_subnet_cidrs = [
            subnet.private if plan.machines_are_private else subnet.public for subnet in subnets
        ]
        if plan.machines_are_private:
            public = dict(zip(self.zone_names, self.public_subnet_ids, strict=True))
            way_out = [self.default_route, *associations]
            self.machine_subnet_ids = PrivateSubnets(
                f"{name}-private", plan, vpc.id, public, way_out, region, tags, child
            ).ids
        self.reservations = self._reserved(name) if plan.subnets_are_shared else []
        self.register_outputs({"vpcId": self.vpc_id})

    def _reserved(self, name: str) -> list[aws.ec2.SubnetCidrReservation]:
        """Keep load balancers and workers from taking an address that is a machine's."""
        return [
            aws.ec2.SubnetCidrReservation(
                f"{name}-fixed-{index}",
                subnet_id=subnet_id,
                cidr_block=fixed_range(cidr),
                reservation_type="explicit",
                description="addresses of machines that keep theirs",
                opts=ResourceOptions(parent=self),
            )
            for index, (subnet_id, cidr) in enumerate(
                zip(self.machine_subnet_ids, self.machine_subnet_cidrs, strict=True)
            )
        ]
