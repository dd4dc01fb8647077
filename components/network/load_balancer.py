"""The network load balancer in front of the API servers."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_aws as aws
from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions

from components.ports import API
from components.tags import Tags
from components.timings import API_HEALTH_CHECK, DEREGISTRATION_DELAY, api_grace


class ApiLoadBalancer(ComponentResource):
    """TCP 6443 to those API servers that are ready. An API server becomes a target by `add_target`."""

    dns_name: Output[str]
    zone_id: Output[str]
    listener: aws.lb.Listener

    def __init__(
        self,
        name: str,
        aws_name: str,
        internal: bool,
        vpc_id: Input[str],
        subnet_ids: Sequence[Input[str]],
        security_group_id: Input[str],
        after: Sequence[Resource],
        tags: Tags,
        opts: ResourceOptions | None = None,
    ) -> None:
        """`aws_name` is that of the load balancer and its target group at AWS; `after` is what must be there before it
        takes addresses in the subnets.
        """
        super().__init__("quorate:network:ApiLoadBalancer", name, None, opts)
        self._name, self._child = name, ResourceOptions(parent=self)
        kind = "internal" if internal else "public"
        balancer = aws.lb.LoadBalancer(
            f"{name}-balancer",
            # AWS takes no more than 32 characters, which the random suffix of a generated name would exceed.
            name=aws_name,
            load_balancer_type="network",
            internal=internal,
            subnets=list(subnet_ids),
            # One that has none from the start can never get one.
            security_groups=[security_group_id],
            # A zone whose API server is away must reach those of the others.
            enable_cross_zone_load_balancing=True,
            tags=tags.named(f"api-{kind}"),
            opts=ResourceOptions(parent=self, delete_before_replace=True, depends_on=after),
        )
        self._targets = aws.lb.TargetGroup(
            f"{name}-targets",
            name=aws_name,
            vpc_id=vpc_id,
            port=API,
            protocol="TCP",
            # Addresses outlive instances, so a replaced machine is the same target.
            target_type="ip",
            # With it an API server that calls the load balancer could not be led back to itself.
            preserve_client_ip="false",
            # Watches last for hours: an API server that is taken out must not keep them.
            deregistration_delay=DEREGISTRATION_DELAY,
            connection_termination=True,
            # An API server that stops in order still answers when it is no longer ready. The price: nobody resets the
            # connections to a machine that died, and clients find that out by themselves (HTTP/2 pings, 45 s).
            target_health_states=[
                {
                    "enable_unhealthy_connection_termination": False,
                    "unhealthy_draining_interval": api_grace(),
                }
            ],
            health_check={
                "protocol": "HTTPS",
                "path": "/readyz",
                "port": str(API),
                "matcher": "200",
                "interval": API_HEALTH_CHECK.interval,
                "timeout": API_HEALTH_CHECK.timeout,
                "healthy_threshold": API_HEALTH_CHECK.healthy_threshold,
                "unhealthy_threshold": API_HEALTH_CHECK.unhealthy_threshold,
            },
            tags=tags.named(f"api-{kind}"),
            opts=ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.listener = aws.lb.Listener(
            f"{name}-listener",
            load_balancer_arn=balancer.arn,
            port=API,
            protocol="TCP",
            default_actions=[{"type": "forward", "target_group_arn": self._targets.arn}],
            tags=tags.named(f"api-{kind}"),
            opts=self._child,
        )
        self.dns_name, self.zone_id = balancer.dns_name, balancer.zone_id
        self.register_outputs({})

    def add_target(self, machine: str, address: str, after: Sequence[Resource] = ()) -> Resource:
        """Sends requests to this machine's API server, as soon as that is ready."""
        return aws.lb.TargetGroupAttachment(
            f"{self._name}-{machine}",
            target_group_arn=self._targets.arn,
            target_id=address,
            port=API,
            opts=ResourceOptions(parent=self, depends_on=after),
        )
