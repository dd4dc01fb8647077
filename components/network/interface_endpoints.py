"""AWS's services in private subnets, without NAT."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_aws as aws
from pulumi import ComponentResource, Input, ResourceOptions

from components.network.vpc import Network
from components.tags import Tags


class InterfaceEndpoints(ComponentResource):
    """Endpoints of AWS services in private subnets, under the services' own names."""

    def __init__(
        self,
        name: str,
        services: Sequence[str],
        network: Network,
        security_group_id: Input[str],
        tags: Tags,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:network:InterfaceEndpoints", name, None, opts)
        for service in services:
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=network.vpc_id,
                service_name=f"com.amazonaws.{network.region}.{service}",
                vpc_endpoint_type="Interface",
                subnet_ids=list(network.machine_subnet_ids),
                security_group_ids=[security_group_id],
                private_dns_enabled=True,
                tags=tags.named(service),
                opts=ResourceOptions(parent=self, depends_on=network.reservations),
            )
        self.register_outputs({})
