"""Not a fault of moto: what a load balancer asks for and the sandbox's does not do is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.responses import ELBV2Response

from sandbox.cloud.api.limits import Known, Limits, action_of, known

_LIMITS = Limits(ELBClientError, "load balancers", "elasticloadbalancing")
_BALANCER = known(
    "Name Subnets SubnetMappings SecurityGroups Tags LoadBalancerArn",
    {
        "Scheme": ("internal", "internet-facing"),
        "Type": ("network",),
        "IpAddressType": ("ipv4",),
        "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic": ("on",),
    },
)
_MAPPING = known("SubnetId")
_BALANCER_ATTRIBUTES = known(
    "",
    {
        "deletion_protection.enabled": ("false", "true"),
        "load_balancing.cross_zone.enabled": ("false", "true"),
        "access_logs.s3.enabled": ("false",),
        "dns_record.client_routing_policy": ("any_availability_zone",),
        "secondary_ips.auto_assigned.per_subnet": ("0",),
        "zonal_shift.config.enabled": ("false",),
    },
)
_TARGET_GROUP = known(
    "Name TargetGroupArn Port VpcId HealthCheckPort HealthCheckPath HealthCheckIntervalSeconds "
    "HealthCheckTimeoutSeconds HealthyThresholdCount UnhealthyThresholdCount Matcher Tags",
    {
        "Protocol": ("TCP",),
        "TargetType": ("ip",),
        "IpAddressType": ("ipv4",),
        "HealthCheckProtocol": ("TCP", "HTTP", "HTTPS"),
        "HealthCheckEnabled": ("true", True),
    },
)
_GROUP_ATTRIBUTES = known(
    "deregistration_delay.timeout_seconds deregistration_delay.connection_termination.enabled "
    "load_balancing.cross_zone.enabled target_health_state.unhealthy.connection_termination.enabled "
    "target_health_state.unhealthy.draining_interval_seconds",
    {
        "preserve_client_ip.enabled": ("false",),
        "proxy_protocol_v2.enabled": ("false",),
        "stickiness.enabled": ("false",),
        "stickiness.type": ("source_ip",),
        "target_group_health.dns_failover.minimum_healthy_targets.count": ("1",),
        "target_group_health.dns_failover.minimum_healthy_targets.percentage": ("off",),
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": ("1",),
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": ("off",),
    },
)
_LISTENER = known("LoadBalancerArn ListenerArn Port DefaultActions Tags", {"Protocol": ("TCP",)})
_LISTENER_ATTRIBUTES = known("", {"tcp.idle_timeout.seconds": tuple(map(str, range(60, 6001)))})
_TARGETS, _TARGET = known("TargetGroupArn Targets"), known("Id Port")

_CALLS: Mapping[str, tuple[Known, str, str, Known]] = {
    "create_load_balancer": (_BALANCER, "SubnetMappings", "", _MAPPING),
    "set_subnets": (_BALANCER, "SubnetMappings", "", _MAPPING),
    "set_security_groups": (_BALANCER, "", "", {}),
    "set_ip_address_type": (_BALANCER, "", "", {}),
    "modify_load_balancer_attributes": (
        known("LoadBalancerArn Attributes"), "Attributes", "Key", _BALANCER_ATTRIBUTES
    ),
    "create_target_group": (_TARGET_GROUP, "", "", {}),
    "modify_target_group": (_TARGET_GROUP, "", "", {}),
    "modify_target_group_attributes": (known("TargetGroupArn Attributes"), "Attributes", "Key", _GROUP_ATTRIBUTES),
    "create_listener": (_LISTENER, "", "", {}),
    "modify_listener": (_LISTENER, "", "", {}),
    "modify_listener_attributes": (known("ListenerArn Attributes"), "Attributes", "Key", _LISTENER_ATTRIBUTES),
    "register_targets": (_TARGETS, "Targets", "", _TARGET),
    "deregister_targets": (_TARGETS, "Targets", "", _TARGET),
}  # fmt: skip
"""By call: the parameters that are honoured; the list in it whose items are looked at, too; what names an item (else
each of its keys is a name); the names that are honoured there."""


_DEFAULTS = {"create_load_balancer": [("Type", "application")], "create_target_group": [("TargetType", "instance")]}
"""What is meant where the request says nothing."""


def apply(region: str) -> None:
    for name in _CALLS:
        setattr(ELBV2Response, name, _within_limits(getattr(ELBV2Response, name), name))
    _LIMITS.refuse_calls(ELBV2Response, "create_rule add_listener_certificates modify_rule set_rule_priorities")


def _within_limits(answer: Any, name: str) -> Any:
    honoured, items, named_by, honoured_in_items = _CALLS[name]
    action = action_of(name)

    def answer_within_limits(self: Any) -> Any:
        told = self._get_params()
        for key, default in _DEFAULTS.get(name, ()):
            told.setdefault(key, default)
        _LIMITS.check(action, honoured, told.items())
        for item in told.get(items) or [] if items else []:
            pairs = [(item[named_by], item.get("Value", ""))] if named_by else item.items()
            _LIMITS.check(action, honoured_in_items, pairs)
        for forward in told.get("DefaultActions") or []:
            _check_forward(action, forward)
        return answer(self)

    return answer_within_limits


def _check_forward(action: str, forward: Mapping[str, Any]) -> None:
    if forward.get("Type") != "forward":
        _LIMITS.refuse(action, "an action of type", forward.get("Type"))
    groups = (forward.get("ForwardConfig") or {}).get("TargetGroups") or []
    if len(groups) > 1:
        _LIMITS.refuse(action, "ForwardConfig", f"{len(groups)} target groups")
