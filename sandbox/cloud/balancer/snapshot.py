"""Takes the view of the account's load balancers from moto's backends."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from moto.ec2.models import ec2_backends
from moto.elbv2.models import elbv2_backends

from sandbox.cloud.balancer.view import BalancerView, HealthCheck, ListenerView, NodeView, TargetGroupView, TargetView


def balancers_of(account: str, region: str) -> tuple[BalancerView, ...]:
    elb, ec2 = elbv2_backends[account][region], ec2_backends[account][region]
    return tuple(
        BalancerView(
            arn=balancer.arn,
            dns_name=balancer.dns_name,
            vpc_id=balancer.vpc_id,
            internal=balancer.scheme == "internal",
            cross_zone=_flag(balancer.attrs.get("load_balancing.cross_zone.enabled")),
            security_group_ids=tuple(balancer.security_groups or ()),
            nodes=tuple(
                NodeView(node.subnet.availability_zone, node.private_ip_address, node.public_ip, node.subnet.id)
                for node in interfaces_of(ec2, balancer)
            ),
            listeners=tuple(
                ListenerView(
                    int(listener.port),
                    int(listener.attributes.get("tcp.idle_timeout.seconds", 350)),
                    group_of(listener.default_actions[0].data),
                )
                for listener in balancer.listeners.values()
            ),
        )
        for balancer in list(elb.load_balancers.values())
    )


def target_groups_of(account: str, region: str) -> tuple[TargetGroupView, ...]:
    elb, ec2 = elbv2_backends[account][region], ec2_backends[account][region]
    return tuple(_target_group(ec2, group) for group in list(elb.target_groups.values()))


def interfaces_of(ec2: Any, balancer: Any) -> list[Any]:
    """The load balancer's network interfaces, in the order of its subnets."""
    interfaces = getattr(balancer, "interface_ids", {})
    return [ec2.enis[interfaces[subnet.id]] for subnet in balancer.subnets if interfaces.get(subnet.id) in ec2.enis]


def group_of(action: dict[str, Any]) -> str:
    """The ARN of the one target group that a forward action names; empty where it names none."""
    named = action.get("TargetGroupArn")
    if named:
        return str(named)
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or [{}]
    return str(groups[0].get("TargetGroupArn") or "")


def _target_group(ec2: Any, group: Any) -> TargetGroupView:
    attributes = group.attributes
    cross_zone = str(attributes.get("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"))
    leaving = getattr(group, "draining", {})
    return TargetGroupView(
        arn=group.arn,
        cross_zone=None if cross_zone == "use_load_balancer_configuration" else cross_zone == "true",
        check=_health_check(group),
        ends_connections_of_deregistered=_flag(attributes.get("deregistration_delay.connection_termination.enabled")),
        unhealthy_draining=_unhealthy_draining(attributes),
        targets=tuple(
            _target(ec2, group, told, since)
            for told, since in (
                *((told, None) for told in list(group.targets.values())),
                *((told, since) for told, since in list(leaving.values())),
            )
        ),
    )


def _health_check(group: Any) -> HealthCheck:
    port = str(group.health_check_port)
    return HealthCheck(
        protocol=group.health_check_protocol,
        port=None if port == "traffic-port" else int(port),
        path=group.health_check_path or "/",
        codes=(getattr(group, "matcher", None) or {}).get("HttpCode", "200-399"),
        interval=int(group.health_check_interval_seconds),
        timeout=int(group.health_check_timeout_seconds),
        healthy_threshold=int(group.healthy_threshold_count),
        unhealthy_threshold=int(group.unhealthy_threshold_count),
    )


def _target(ec2: Any, group: Any, told: dict[str, Any], since: float | None) -> TargetView:
    address = str(told["Id"])
    registered_at = getattr(group, "registered_at", {}).get(address, 0.0)
    zone = zone_of(ec2, group.vpc_id, address)
    return TargetView(address, int(told.get("Port") or group.port), zone, since, registered_at)


def _unhealthy_draining(attributes: Mapping[str, Any]) -> int | None:
    if _flag(attributes.get("target_health_state.unhealthy.connection_termination.enabled", "true")):
        return 0
    # Without an interval connections go on until they end by themselves.
    return int(attributes.get("target_health_state.unhealthy.draining_interval_seconds", 0)) or None


def zone_of(ec2: Any, vpc_id: str, address: str) -> str:
    """The zone of the subnet that holds an address; empty where no subnet does."""
    for subnets in list(ec2.subnets.values()):
        for subnet in list(subnets.values()):
            if subnet.vpc_id == vpc_id and ipaddress.ip_address(address) in ipaddress.ip_network(subnet.cidr_block):
                return str(subnet.availability_zone)
    return ""


def _flag(value: Any) -> bool:
    return str(value).lower() == "true"
