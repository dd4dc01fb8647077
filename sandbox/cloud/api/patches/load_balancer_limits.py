"""Not a fault of moto: what a load balancer asks for and the sandbox's does not do is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.responses import ELBV2Response

from sandbox.cloud.balancer.snapshot import group_of

_ANY = None
_Known = Mapping[str, tuple[Any, ...] | None]

_BALANCER: _Known = {
    "Name": _ANY,
    "Subnets": _ANY,
    "SubnetMappings": _ANY,
    "SecurityGroups": _ANY,
    "Scheme": ("internal", "internet-facing"),
    "Type": ("network",),
    "IpAddressType": ("ipv4",),
    "Tags": _ANY,
    "LoadBalancerArn": _ANY,
    "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic": ("on",),
}
_MAPPING: _Known = {"SubnetId": _ANY, "AllocationId": _ANY, "PrivateIPv4Address": _ANY}
_BALANCER_ATTRIBUTES: _Known = {
    "access_logs.s3.enabled": ("false",),
    "access_logs.s3.bucket": (),
    "access_logs.s3.prefix": (),
    "deletion_protection.enabled": _ANY,
    "dns_record.client_routing_policy": ("any_availability_zone",),
    "load_balancing.cross_zone.enabled": _ANY,
    "secondary_ips.auto_assigned.per_subnet": ("0",),
    "zonal_shift.config.enabled": ("false",),
}
_TARGET_GROUP: _Known = {
    "Name": _ANY,
    "TargetGroupArn": _ANY,
    "Protocol": ("TCP",),
    "Port": _ANY,
    "VpcId": _ANY,
    "TargetType": ("ip", "instance"),
    "IpAddressType": ("ipv4",),
    "HealthCheckProtocol": ("TCP", "HTTP", "HTTPS"),
    "HealthCheckPort": _ANY,
    "HealthCheckEnabled": ("true", True),
    "HealthCheckPath": _ANY,
    "HealthCheckIntervalSeconds": _ANY,
    "HealthCheckTimeoutSeconds": _ANY,
    "HealthyThresholdCount": _ANY,
    "UnhealthyThresholdCount": _ANY,
    "Matcher": _ANY,
    "Tags": _ANY,
}
_GROUP_ATTRIBUTES: _Known = {
    "deregistration_delay.timeout_seconds": _ANY,
    "deregistration_delay.connection_termination.enabled": _ANY,
    "load_balancing.cross_zone.enabled": _ANY,
    "preserve_client_ip.enabled": ("false",),
    "proxy_protocol_v2.enabled": ("false",),
    "stickiness.enabled": ("false",),
    "stickiness.type": ("source_ip",),
    "target_group_health.dns_failover.minimum_healthy_targets.count": ("1",),
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": ("off",),
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": ("1",),
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": ("off",),
    "target_health_state.unhealthy.connection_termination.enabled": _ANY,
    "target_health_state.unhealthy.draining_interval_seconds": ("0",),
}
_LISTENER: _Known = {
    "LoadBalancerArn": _ANY,
    "ListenerArn": _ANY,
    "Protocol": ("TCP",),
    "Port": _ANY,
    "DefaultActions": _ANY,
    "Tags": _ANY,
}
_LISTENER_ATTRIBUTES: _Known = {"tcp.idle_timeout.seconds": _ANY}
_TARGET: _Known = {"Id": _ANY, "Port": _ANY}

_CALLS: Mapping[str, tuple[_Known, str, str, _Known]] = {
    "create_load_balancer": (_BALANCER, "SubnetMappings", "", _MAPPING),
    "set_subnets": (_BALANCER, "SubnetMappings", "", _MAPPING),
    "set_security_groups": (_BALANCER, "", "", {}),
    "set_ip_address_type": (_BALANCER, "", "", {}),
    "modify_load_balancer_attributes": (
        {"LoadBalancerArn": _ANY, "Attributes": _ANY}, "Attributes", "Key", _BALANCER_ATTRIBUTES
    ),
    "create_target_group": (_TARGET_GROUP, "", "", {}),
    "modify_target_group": (_TARGET_GROUP, "", "", {}),
    "modify_target_group_attributes": (
        {"TargetGroupArn": _ANY, "Attributes": _ANY}, "Attributes", "Key", _GROUP_ATTRIBUTES
    ),
    "create_listener": (_LISTENER, "", "", {}),
    "modify_listener": (_LISTENER, "", "", {}),
    "modify_listener_attributes": (
        {"ListenerArn": _ANY, "Attributes": _ANY}, "Attributes", "Key", _LISTENER_ATTRIBUTES
    ),
    "register_targets": ({"TargetGroupArn": _ANY, "Targets": _ANY}, "Targets", "", _TARGET),
    "deregister_targets": ({"TargetGroupArn": _ANY, "Targets": _ANY}, "Targets", "", _TARGET),
}  # fmt: skip
"""By call: the parameters that are honoured; the list in it whose items are looked at, too; what names an item (else
each of its keys is a name); the names that are honoured there. None is any value."""

_REFUSED_CALLS = ("create_rule", "add_listener_certificates", "modify_rule", "set_rule_priorities")


def apply(region: str) -> None:
    for name in _CALLS:
        setattr(ELBV2Response, name, _within_limits(getattr(ELBV2Response, name), name))
    for name in _REFUSED_CALLS:
        setattr(ELBV2Response, name, _refusal(name))


def _within_limits(answer: Any, name: str) -> Any:
    known, items, named_by, known_items = _CALLS[name]
    action = _action(name)

    def answer_within_limits(self: Any) -> Any:
        told = self._get_params()
        if name == "create_load_balancer" and told.get("Type", "application") != "network":
            _refuse(action, "Type", told.get("Type", "application"))
        for key, value in told.items():
            _check(action, key, value, known)
        for item in told.get(items) or [] if items else []:
            pairs = [(item[named_by], item.get("Value", ""))] if named_by else list(item.items())
            for key, value in pairs:
                _check(action, key, value, known_items)
        for forward in told.get("DefaultActions") or []:
            _check_forward(self.elbv2_backend, action, forward)
        return answer(self)

    return answer_within_limits


def _check_forward(backend: Any, action: str, forward: Mapping[str, Any]) -> None:
    if forward.get("Type") != "forward":
        _refuse(action, "an action of type", forward.get("Type"))
    groups = (forward.get("ForwardConfig") or {}).get("TargetGroups") or []
    if len(groups) > 1:
        _refuse(action, "ForwardConfig", f"{len(groups)} target groups")
    group = backend.target_groups.get(group_of(dict(forward)))
    if group is not None and group.attributes.get("preserve_client_ip.enabled") == "true":
        _refuse(action, "preserve_client_ip.enabled", f"true, of target group {group.name}")


def _check(action: str, key: str, value: Any, known: _Known) -> None:
    allowed = known.get(key, ())
    if allowed is None or value in allowed or value in (None, "", [], {}):
        return
    _refuse(action, key, value)


def _refusal(name: str) -> Any:
    def refuse(self: Any) -> Any:
        raise ELBClientError("SandboxNotModelled", f"the sandbox does not model elasticloadbalancing:{_action(name)}")

    return refuse


def _refuse(action: str, name: str, value: Any) -> None:
    raise ELBClientError(
        "SandboxNotModelled", f"the sandbox's load balancers do not have {name} ({value}): {action} refused"
    )


def _action(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
