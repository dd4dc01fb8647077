"""Fault: a network load balancer's target group has an application load balancer's attributes, lacks its own, takes
any others and any values, and answers with some of them.
Fault: a health check's matcher does not change, its timings are not checked, and a port that is no port is taken.
Fault: a group may be behind several load balancers, and behind one of another network.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.elbv2.exceptions import ELBClientError, TargetGroupNotFoundError, ValidationError
from moto.elbv2.models import ELBv2Backend, FakeListener, FakeTargetGroup
from moto.elbv2.responses import ELBV2Response

from sandbox.cloud.api.patches.load_balancers import users_of
from sandbox.cloud.balancer.snapshot import group_of

_ATTRIBUTES = {
    "deregistration_delay.connection_termination.enabled": "false",
    "deregistration_delay.timeout_seconds": "300",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "preserve_client_ip.enabled": "false",
    "proxy_protocol_v2.enabled": "false",
    "stickiness.enabled": "false",
    "stickiness.type": "source_ip",
    "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
    "target_health_state.unhealthy.connection_termination.enabled": "true",
    "target_health_state.unhealthy.draining_interval_seconds": "0",
}
_FLAGS = ("false", "true")
_TERMINATION = "target_health_state.unhealthy.connection_termination.enabled"
_DRAINING = "target_health_state.unhealthy.draining_interval_seconds"
_VALUES: dict[str, range | tuple[str, ...]] = {
    "deregistration_delay.connection_termination.enabled": _FLAGS,
    "load_balancing.cross_zone.enabled": (*_FLAGS, "use_load_balancer_configuration"),
    _TERMINATION: _FLAGS,
    _DRAINING: range(0, 360001),
}
"""Of the attributes that are honoured; of others, load_balancer_limits takes what is AWS's default alone."""
_RANGES = {
    "health_check_interval_seconds": range(5, 301),
    "health_check_timeout_seconds": range(2, 121),
    "healthy_threshold_count": range(2, 11),
    "unhealthy_threshold_count": range(2, 11),
}


def apply(region: str) -> None:
    create, modify = ELBv2Backend.create_target_group, ELBv2Backend.modify_target_group
    modify_attributes = ELBv2Backend.modify_target_group_attributes
    create_listener, modify_listener = ELBv2Backend.create_listener, ELBv2Backend.modify_listener

    def create_checked(self: Any, name: str, **told: Any) -> Any:
        # Without a health check in the request, AWS takes the healthy threshold of five.
        group = create(self, name, **told)
        group.attributes = dict(_ATTRIBUTES)
        if group.health_check_protocol in ("HTTP", "HTTPS"):
            group.health_check_path = group.health_check_path or "/"
            group.matcher = told.get("matcher") or {"HttpCode": "200-399"}
            if told.get("healthcheck_timeout_seconds") is None and group.health_check_protocol == "HTTP":
                group.health_check_timeout_seconds = 6
        try:
            _check(group)
        except ELBClientError:
            del self.target_groups[group.arn]
            raise
        return group

    def modify_checked(self: Any, arn: str, *arguments: Any, **named: Any) -> Any:
        group = self.target_groups.get(arn)
        before = dict(vars(group)) if group is not None else {}
        codes = arguments[7] if len(arguments) > 7 else named.get("http_codes")
        group = modify(self, arn, *arguments, **named)
        try:
            _check(group)
        except ELBClientError:
            vars(group).clear()
            vars(group).update(before)
            raise
        if codes is not None:
            group.matcher = {"HttpCode": codes}
        return group

    def modify_known_attributes(self: Any, target_group_arn: str, attributes: dict[str, Any]) -> None:
        for name in attributes:
            if name not in _ATTRIBUTES:
                raise ValidationError(f"Target group attribute key '{name}' is not recognized")
        for name, value in attributes.items():
            _check_attribute(name, value)
        group = self.target_groups.get(target_group_arn)
        wanted = {**(group.attributes if group is not None else {}), **attributes}
        if int(attributes.get(_DRAINING, 0)) and wanted.get(_TERMINATION) == "true":
            raise ValidationError(f"Target group attribute '{_DRAINING}' needs '{_TERMINATION}' to be false")
        modify_attributes(self, target_group_arn, attributes)

    def answer_all_attributes(self: Any) -> ActionResult:
        arn = self._get_param("TargetGroupArn")
        told = {item["Key"]: item["Value"] for item in self._get_param("Attributes", [])}
        self.elbv2_backend.modify_target_group_attributes(arn, told)
        return ActionResult({"Attributes": self.elbv2_backend.target_groups[arn].attributes})

    def create_for_one(self: Any, load_balancer_arn: str, *rest: Any, **named: Any) -> FakeListener:
        actions = named.get("actions") or rest[4]
        for action in actions:
            _require_free(self, load_balancer_arn, group_of(action))
        made: FakeListener = create_listener(self, load_balancer_arn, *rest, **named)
        return made

    def modify_for_one(self: Any, arn: str, *rest: Any, **named: Any) -> FakeListener:
        actions = named.get("actions") or (rest[4] if len(rest) > 4 else None) or []
        for action in actions:
            _require_free(self, arn.replace(":listener/", ":loadbalancer/").rpartition("/")[0], group_of(action))
        changed: FakeListener = modify_listener(self, arn, *rest, **named)
        return changed

    ELBv2Backend.create_target_group = create_checked
    ELBv2Backend.modify_target_group = modify_checked
    ELBv2Backend.modify_target_group_attributes = modify_known_attributes
    ELBV2Response.modify_target_group_attributes = answer_all_attributes
    ELBv2Backend.create_listener = create_for_one
    ELBv2Backend.modify_listener = modify_for_one


def _check_attribute(name: str, value: str) -> None:
    allowed = _VALUES.get(name, ())
    if isinstance(allowed, range):
        if not (value.isascii() and value.isdigit() and int(value) in allowed):
            raise ValidationError(
                f"Target group attribute '{name}' must be in the range {allowed.start}-{allowed.stop - 1}: '{value}'"
            )
    elif allowed and value not in allowed:
        raise ValidationError(f"Target group attribute '{name}' must be one of {', '.join(allowed)}: '{value}'")


def _check(group: FakeTargetGroup) -> None:
    for name, allowed in _RANGES.items():
        value = int(getattr(group, name))
        if value not in allowed:
            raise ValidationError(f"{name} '{value}' must be in the range {allowed.start}-{allowed.stop - 1}")
    if int(group.health_check_timeout_seconds) > int(group.health_check_interval_seconds):
        raise ValidationError(
            f"Health check timeout '{group.health_check_timeout_seconds}' must be smaller than or equal to the "
            f"interval '{group.health_check_interval_seconds}'"
        )
    port = str(group.health_check_port)
    if port != "traffic-port" and not (port.isdigit() and 0 < int(port) < 65536):
        raise ValidationError(f"Health check port '{port}' must be traffic-port or a port number")


def _require_free(backend: Any, balancer_arn: str, group_arn: str) -> None:
    group, balancer = backend.target_groups.get(group_arn), backend.load_balancers.get(balancer_arn)
    if balancer is None:
        return
    if group is None:
        raise TargetGroupNotFoundError()
    if group.vpc_id != balancer.vpc_id:
        raise ELBClientError(
            "InvalidConfigurationRequest", f"The target group '{group_arn}' is in another VPC than the load balancer"
        )
    if others := [arn for arn in users_of(backend, group) if arn != balancer_arn]:
        raise ELBClientError(
            "TargetGroupAssociationLimit",
            f"The target group '{group_arn}' cannot be associated with more than one load balancer: {others[0]}",
        )
