"""Not a fault of moto: what a group asks for and the sandbox does not do is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.autoscaling.responses import AutoScalingResponse

_TAKEN: dict[str, dict[str, tuple[Any, ...] | None]] = {
    "group": {
        "AutoScalingGroupName": None,
        "MinSize": None,
        "MaxSize": None,
        "DesiredCapacity": None,
        "LaunchTemplate": None,
        "MixedInstancesPolicy": None,
        "VPCZoneIdentifier": None,
        "DefaultCooldown": None,
        "DefaultInstanceWarmup": None,
        "HealthCheckGracePeriod": None,
        "HealthCheckType": ("EC2",),
        "TerminationPolicies": (["Default"], ["OldestInstance"], ["NewestInstance"], ["OldestLaunchTemplate"]),
        "NewInstancesProtectedFromScaleIn": None,
        "CapacityRebalance": None,
        "LifecycleHookSpecificationList": None,
        "ServiceLinkedRoleARN": None,
        "Tags": None,
        "MaxInstanceLifetime": (0,),
        "InstanceMaintenancePolicy": (),
        "DesiredCapacityType": ("units",),
        "AvailabilityZoneDistribution": ({"CapacityDistributionStrategy": "balanced-best-effort"},),
        "CapacityReservationSpecification": ({"CapacityReservationPreference": "default"},),
    },
    "refresh": {
        "MinHealthyPercentage": None,
        "MaxHealthyPercentage": None,
        "InstanceWarmup": None,
        "SkipMatching": None,
        "AutoRollback": (False,),
        "ScaleInProtectedInstances": ("Ignore",),
        "StandbyInstances": ("Ignore",),
    },
    "override": {"InstanceType": None},
    "distribution": {
        "OnDemandAllocationStrategy": ("prioritized",),
        "OnDemandBaseCapacity": None,
        "OnDemandPercentageAboveBaseCapacity": None,
        "SpotAllocationStrategy": None,
        "SpotInstancePools": None,
    },
}
"""What is honoured: a parameter with any value (None), or with one of these values."""

_REFUSED_CALLS = (
    "attach_load_balancer_target_groups",
    "attach_load_balancers",
    "batch_put_scheduled_update_group_action",
    "create_launch_configuration",
    "enter_standby",
    "execute_policy",
    "put_scaling_policy",
    "put_scheduled_update_group_action",
    "put_warm_pool",
)
_SUSPENDABLE = {"Launch", "Terminate", "HealthCheck", "ReplaceUnhealthy"}


def apply(region: str) -> None:
    for name in ("create_auto_scaling_group", "update_auto_scaling_group"):
        setattr(AutoScalingResponse, name, _with_limits(getattr(AutoScalingResponse, name), name, _check_group))
    start = AutoScalingResponse.start_instance_refresh
    AutoScalingResponse.start_instance_refresh = _with_limits(start, "start_instance_refresh", _check_refresh)
    suspend = AutoScalingResponse.suspend_processes
    AutoScalingResponse.suspend_processes = _with_limits(suspend, "suspend_processes", _check_suspension)
    for name in _REFUSED_CALLS:
        setattr(AutoScalingResponse, name, _refusal(name))


def _with_limits(answer: Any, name: str, check: Any) -> Any:
    def answer_within_limits(self: Any) -> Any:
        check(_action(name), self.params)
        return answer(self)

    return answer_within_limits


def _refusal(name: str) -> Any:
    def refuse(self: Any) -> Any:
        raise AutoscalingClientError("SandboxNotModelled", f"the sandbox does not model autoscaling:{_action(name)}")

    return refuse


def _check_group(action: str, told: Mapping[str, Any]) -> None:
    _check(action, "group", told)
    policy = told.get("MixedInstancesPolicy") or {}
    for override in policy.get("LaunchTemplate", {}).get("Overrides") or []:
        _check(action, "override", override)
    _check(action, "distribution", policy.get("InstancesDistribution") or {})


def _check_refresh(action: str, told: Mapping[str, Any]) -> None:
    _check(action, "refresh", told.get("Preferences") or {})
    if told.get("Strategy", "Rolling") != "Rolling":
        _refuse(action, "Strategy", told["Strategy"])
    if told.get("DesiredConfiguration"):
        _refuse(action, "DesiredConfiguration", told["DesiredConfiguration"])


def _check_suspension(action: str, told: Mapping[str, Any]) -> None:
    if not told.get("ScalingProcesses"):
        _refuse(action, "ScalingProcesses", "all")
    for process in told["ScalingProcesses"]:
        if process not in _SUSPENDABLE:
            _refuse(action, "ScalingProcesses", process)


def _check(action: str, kind: str, told: Mapping[str, Any]) -> None:
    for name, value in told.items():
        known = _TAKEN[kind].get(name, ())
        if value in (None, [], {}, "") or known is None or value in known:
            continue
        _refuse(action, name, value)


def _refuse(action: str, name: str, value: Any) -> None:
    raise AutoscalingClientError(
        "SandboxNotModelled", f"the sandbox's Auto Scaling groups do not have {name} ({value}): {action} refused"
    )


def _action(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
