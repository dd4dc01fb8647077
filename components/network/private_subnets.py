"""Private subnets, and their way out through NAT gateways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi_aws as aws
from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions

from components.plan import Plan
from components.settings.model import NatMode
from components.tags import Tags


class PrivateSubnets(ComponentResource):
    """One private subnet and route table in each zone. Their way out is a NAT gateway of the zone, or the one of all.

    A route table for each zone, even if all say the same, so that what a zone needs never depends on another's.
    """

    ids: list[Output[str]]

    def __init__(
        self,
        name: str,
        plan: Plan,
        vpc_id: Input[str],
        public: Mapping[str, Input[str]],
        way_out: Sequence[Resource],
        region: str,
        tags: Tags,
        opts: ResourceOptions | None = None,
    ) -> None:
        """`public` are the public subnets' ids by zone, in order, and `way_out` what connects them to the internet."""
        super().__init__("quorate:network:PrivateSubnets", name, None, opts)
        self._name, self._tags = name, tags
        self._child = ResourceOptions(parent=self)
        self._behind = ResourceOptions(parent=self, depends_on=way_out)
        gateways = self._gateways(list(public.values())[: 1 if plan.settings.network.nat is NatMode.SINGLE else None])
        self.ids = []
        self._route_tables: list[aws.ec2.RouteTable] = []
        for index, zone in enumerate(public):
            subnet = aws.ec2.Subnet(
                f"{name}-{index}",
                vpc_id=vpc_id,
                cidr_block=plan.subnets[index].private,
                availability_zone=zone,
                map_public_ip_on_launch=False,
                tags=tags.named(f"private-{index}"),
                opts=ResourceOptions(parent=self, ignore_changes=["availabilityZone"]),
            )
            routes = aws.ec2.RouteTable(
                f"{name}-{index}", vpc_id=vpc_id, tags=tags.named(f"private-{index}"), opts=self._child
            )
            aws.ec2.Route(
                f"{name}-{index}-default",
                route_table_id=routes.id,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=gateways[index % len(gateways)].id,
                opts=self._child,
            )
            aws.ec2.RouteTableAssociation(
                f"{name}-{index}", subnet_id=subnet.id, route_table_id=routes.id, opts=self._child
            )
            self.ids.append(subnet.id)
            self._route_tables.append(routes)
        aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=vpc_id,
            service_name=f"com.amazonaws.{region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[routes.id for routes in self._route_tables],
            tags=tags.named("s3"),
            opts=self._child,
        )
        self.register_outputs({})

    def _gateways(self, public_subnet_ids: Sequence[Input[str]]) -> list[aws.ec2.NatGateway]:
        gateways = []
        for index, subnet_id in enumerate(public_subnet_ids):
            address = aws.ec2.Eip(
                f"{self._name}-nat-{index}", domain="vpc", tags=self._tags.named(f"nat-{index}"), opts=self._behind
            )
            gateways.append(
                aws.ec2.NatGateway(
                    f"{self._name}-nat-{index}",
                    allocation_id=address.allocation_id,
                    subnet_id=subnet_id,
                    tags=self._tags.named(f"nat-{index}"),
                    opts=self._behind,
                )
            )
        return gateways
