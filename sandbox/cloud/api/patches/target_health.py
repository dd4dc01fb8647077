"""Fault: every registered target is healthy, nothing looks at it, and one that leaves is gone at once.
Fault: targets that are no addresses of the network are taken, and a target's second port replaces its first.

Here the load balancers in the region report what their health checks see; where none runs, targets stay `initial`.
A target that leaves is draining for the group's delay.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from typing import Any

from moto.elbv2.exceptions import ELBClientError, InvalidTargetError
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup

from sandbox.cloud.api.patches.load_balancers import users_of
from sandbox.cloud.balancer.snapshot import zone_of
from sandbox.cloud.balancer.view import TargetHealth

Reported = Mapping[tuple[str, str], TargetHealth]
"""By the target group's ARN and the target's id."""

_REGISTERING = TargetHealth("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
_DRAINING = TargetHealth("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
_UNUSED = TargetHealth(
    "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
)
_NOT_REGISTERED = TargetHealth("unused", "Target.NotRegistered", "Target is not registered to the target group")

_reported: dict[tuple[str, str], TargetHealth] = {}


def report(health: Reported) -> None:
    """What the health checks see now, in place of what was reported before."""
    _reported.clear()
    _reported.update(health)


def apply(region: str) -> None:
    def register(self: Any, targets: list[dict[str, Any]]) -> None:
        for target in targets:
            port = int(target.get("Port") or self.port)
            _check(self, target["Id"])
            known = self.targets.get(target["Id"])
            if known is not None and int(known["Port"]) != port:
                raise ELBClientError(
                    "SandboxNotModelled",
                    f"the sandbox's target groups have one port a target: {target['Id']} is registered with "
                    f"{known['Port']}, RegisterTargets with {port} refused",
                )
        for target in targets:
            if target["Id"] not in self.targets:
                _registered_at(self)[target["Id"]] = time.time()
            self.targets[target["Id"]] = {"Id": target["Id"], "Port": int(target.get("Port") or self.port)}
            _leaving(self).pop(target["Id"], None)
            _reported.pop((self.arn, target["Id"]), None)

    def deregister(self: Any, targets: list[dict[str, Any]]) -> None:
        if any(target["Id"] not in self.targets for target in targets):
            raise InvalidTargetError()
        for target in targets:
            told = self.targets.pop(target["Id"])
            if int(self.attributes["deregistration_delay.timeout_seconds"]):
                _leaving(self)[target["Id"]] = (told, time.time())

    def describe(self: Any, target_group_arn: str, targets: list[dict[str, Any]]) -> list[FakeHealthStatus]:
        (group,) = self.describe_target_groups(None, [target_group_arn], None)
        _forget_gone(group)
        known = {**group.targets, **{key: told for key, (told, _) in _leaving(group).items()}}
        wanted = targets or list(known.values())
        return [_status(self, group, known.get(target["Id"]) or target) for target in wanted]

    FakeTargetGroup.register = register
    FakeTargetGroup.deregister = deregister
    ELBv2Backend.describe_target_health = describe


def forget_gone(backend: Any) -> bool:
    """Lets go of targets whose delay is over; whether there were any."""
    gone = [_forget_gone(group) for group in list(backend.target_groups.values())]
    return any(gone)


def _forget_gone(group: Any) -> bool:
    delay = int(group.attributes["deregistration_delay.timeout_seconds"])
    gone = [key for key, (_, since) in _leaving(group).items() if time.time() - since >= delay]
    for key in gone:
        del _leaving(group)[key]
    return bool(gone)


def _leaving(group: Any) -> dict[str, tuple[dict[str, Any], float]]:
    """Targets that are draining, and since when."""
    leaving: dict[str, tuple[dict[str, Any], float]] = vars(group).setdefault("draining", {})
    return leaving


def _registered_at(group: Any) -> dict[str, float]:
    """When the targets were registered, by id. Some of them have left."""
    told: dict[str, float] = vars(group).setdefault("registered_at", {})
    return told


def _status(backend: Any, group: Any, told: dict[str, Any]) -> FakeHealthStatus:
    health = _health(backend, group, told["Id"])
    port = int(told.get("Port") or group.port)
    checked = group.health_check_port
    return FakeHealthStatus(
        told["Id"],
        port,
        str(port) if checked == "traffic-port" else str(checked),
        health.state,
        health.reason,
        health.description,
    )


def _health(backend: Any, group: Any, target_id: str) -> TargetHealth:
    if target_id not in group.targets:
        return _DRAINING if target_id in _leaving(group) else _NOT_REGISTERED
    if not users_of(backend, group):
        return _UNUSED
    return _reported.get((group.arn, target_id), _REGISTERING)


def _check(group: Any, target_id: str) -> None:
    try:
        ipaddress.IPv4Address(target_id)
    except ValueError:
        raise ELBClientError("ValidationError", f"The IP address '{target_id}' is not a valid IPv4 address") from None
    if not zone_of(group.ec2_backend, group.vpc_id, target_id):
        raise ELBClientError(
            "InvalidTarget", f"The IP address '{target_id}' is not within a subnet of VPC '{group.vpc_id}'"
        )
