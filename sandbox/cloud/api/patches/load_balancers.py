"""Fault: a network load balancer's ARN says `app`, its DNS name and hosted zone are an invented load balancer's.
Fault: two load balancers of one name, with names that AWS refuses, are made.
Fault: deletion protection does not protect; a target group keeps the load balancers and listeners that are gone.
Fault: a second listener on a port is made, and a listener is made over to a port in use.
Fault: a listener for TCP has a policy for TLS.
"""

from __future__ import annotations

import re
from typing import Any

from moto.elbv2 import models
from moto.elbv2.exceptions import (
    DuplicateListenerError,
    DuplicateLoadBalancerName,
    ELBClientError,
    ListenerNotFoundError,
    ValidationError,
)
from moto.elbv2.models import ELBv2Backend, FakeLoadBalancer, FakeTargetGroup

from sandbox.cloud.balancer.snapshot import group_of

_ZONES = {"eu-central-1": "Z3F0SRJ5LGBH90"}
"""Hosted zones that AWS keeps network load balancers' names in, by region."""
_NAME = re.compile(r"(?!internal-)(?!-)[A-Za-z0-9-]{1,32}(?<!-)")


def apply(region: str) -> None:
    create, delete = ELBv2Backend.create_load_balancer, ELBv2Backend.delete_load_balancer
    create_listener, modify_listener = ELBv2Backend.create_listener, ELBv2Backend.modify_listener
    describe = ELBv2Backend.describe_target_groups

    def network_arn(account_id: str, lb_id: str, name: str, region_name: str) -> str:
        return f"arn:aws:elasticloadbalancing:{region_name}:{account_id}:loadbalancer/net/{name}/{lb_id}"

    def create_named(self: Any, name: str, *rest: Any, **named: Any) -> Any:
        if not _NAME.fullmatch(name or ""):
            raise ValidationError(
                f"The load balancer name '{name}' must have 1 to 32 letters, digits and hyphens, no hyphen at an "
                "end, and must not begin with 'internal-'"
            )
        if any(balancer.name == name for balancer in self.load_balancers.values()):
            raise DuplicateLoadBalancerName()
        balancer = create(self, name, *rest, **named)
        balancer.dns_name = f"{name}-{balancer.arn.rpartition('/')[2]}.elb.{self.region_name}.amazonaws.com"
        balancer.canonical_hosted_zone_id = _ZONES[region]
        balancer.attrs |= {
            "access_logs.s3.enabled": "false",
            "dns_record.client_routing_policy": "any_availability_zone",
            "secondary_ips.auto_assigned.per_subnet": "0",
            "zonal_shift.config.enabled": "false",
        }
        return balancer

    def delete_unprotected(self: Any, arn: str) -> None:
        balancer = self.load_balancers.get(arn)
        if balancer is not None and str(balancer.attrs["deletion_protection.enabled"]).lower() == "true":
            raise ELBClientError(
                "OperationNotPermitted",
                f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
            )
        delete(self, arn)

    def create_listener_once(
        self: Any, load_balancer_arn: str, protocol: str, port: Any, *rest: Any, **named: Any
    ) -> Any:
        balancer = self.load_balancers.get(load_balancer_arn)
        if balancer is not None and any(int(known.port) == int(port) for known in balancer.listeners.values()):
            raise DuplicateListenerError()
        listener = create_listener(self, load_balancer_arn, protocol, port, *rest, **named)
        if listener.protocol == "TCP":
            listener.ssl_policy = None
        return listener

    def modify_listener_once(self: Any, arn: str, port: Any = None, *rest: Any, **named: Any) -> Any:
        balancer = next((b for b in self.load_balancers.values() if arn in b.listeners), None)
        if balancer is None:
            raise ListenerNotFoundError()
        if port is not None and any(
            known.arn != arn and int(known.port) == int(port) for known in balancer.listeners.values()
        ):
            raise DuplicateListenerError()
        return modify_listener(self, arn, port, *rest, **named)

    def describe_with_users(self: Any, *arguments: Any, **named: Any) -> Any:
        for group in self.target_groups.values():
            group.load_balancer_arns = users_of(self, group)
        return describe(self, *arguments, **named)

    models.make_arn_for_load_balancer = network_arn
    ELBv2Backend.create_load_balancer = create_named
    ELBv2Backend.delete_load_balancer = delete_unprotected
    ELBv2Backend.create_listener = create_listener_once
    ELBv2Backend.modify_listener = modify_listener_once
    ELBv2Backend.describe_target_groups = describe_with_users
    FakeLoadBalancer.enforce_security_group_inbound_rules_on_private_link_traffic = property(
        lambda self: "on" if self.security_groups else None
    )


def users_of(backend: Any, group: FakeTargetGroup) -> list[str]:
    """ARNs of the load balancers with a listener that forwards to the group."""
    return [
        balancer.arn
        for balancer in backend.load_balancers.values()
        if any(
            group_of(action.data) == group.arn
            for listener in balancer.listeners.values()
            for action in listener.default_actions
        )
    ]
