"""The name of the cluster's API, in a private zone of the VPC."""

from __future__ import annotations

import pulumi_aws as aws
from pulumi import ComponentResource, Input, ResourceOptions

from components.settings.model import ClusterSettings
from components.tags import Tags


def endpoint_name(settings: ClusterSettings) -> str:
    """`api.CLUSTER.DOMAIN`: in every certificate and kubeconfig, from the first day."""
    return f"api.{settings.name}.{settings.domain}"


class ApiEndpoint(ComponentResource):
    """Resolves the API's name to `address` inside the VPC. What stands behind it may become a load balancer."""

    def __init__(
        self,
        name: str,
        settings: ClusterSettings,
        vpc_id: Input[str],
        address: Input[str],
        tags: Tags,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:index:ApiEndpoint", name, None, opts)
        zone = aws.route53.Zone(
            f"{name}-zone",
            name=f"{settings.name}.{settings.domain}",
            comment=f"API endpoint of the cluster {settings.name}",
            vpcs=[aws.route53.ZoneVpcArgs(vpc_id=vpc_id)],
            tags=tags.named("zone"),
            opts=ResourceOptions(parent=self),
        )
        aws.route53.Record(
            f"{name}-record",
            zone_id=zone.zone_id,
            name=endpoint_name(settings),
            type="A",
            ttl=60,
            records=[address],
            # The zone is this cluster's alone. An up that was cut off while the record spread left one that the state
            # does not know: the next up takes it over instead of failing on it.
            allow_overwrite=True,
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})
