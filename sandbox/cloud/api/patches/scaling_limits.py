"""Not a fault of moto: what a group asks for and the sandbox does not do is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.autoscaling.responses import AutoScalingResponse

from sandbox.cloud.api.limits import Limits, action_of, known

_LIMITS = Limits(AutoscalingClientError, "Auto Scaling groups", "autoscaling")
_GROUP = known(
    "AutoScalingGroupName MinSize MaxSize DesiredCapacity LaunchTemplate MixedInstancesPolicy VPCZoneIdentifier "
    "DefaultCooldown DefaultInstanceWarmup HealthCheckGracePeriod CapacityRebalance LifecycleHookSpecificationList "
    "ServiceLinkedRoleARN Tags",
    {
        "HealthCheckType": ("EC2",),
        "TerminationPolicies": (["Default"],),
        "MaxInstanceLifetime": (0,),
        "NewInstancesProtectedFromScaleIn": (False,),
        "InstanceMaintenancePolicy": (),
        "DesiredCapacityType": ("units",),
        "AvailabilityZoneDistribution": ({"CapacityDistributionStrategy": "balanced-best-effort"},),
        "CapacityReservationSpecification": ({"CapacityReservationPreference": "default"},),
    },
)
_REFRESH = known(
    "MinHealthyPercentage MaxHealthyPercentage InstanceWarmup SkipMatching",
    {"AutoRollback": (False,), "ScaleInProtectedInstances": ("Ignore",), "StandbyInstances": ("Ignore",)},
)
_OVERRIDE = known("InstanceType")
_DISTRIBUTION = known(
    "OnDemandBaseCapacity OnDemandPercentageAboveBaseCapacity SpotAllocationStrategy SpotInstancePools",
    {"OnDemandAllocationStrategy": ("prioritized",)},
)
_REFUSED_CALLS = """
attach_load_balancer_target_groups attach_load_balancers batch_put_scheduled_update_group_action
create_launch_configuration enter_standby execute_policy put_scaling_policy put_scheduled_update_group_action
put_warm_pool record_lifecycle_action_heartbeat set_instance_protection suspend_processes
terminate_instance_in_auto_scaling_group
"""


def apply(region: str) -> None:
    for name, check in (
        ("create_auto_scaling_group", _check_group),
        ("update_auto_scaling_group", _check_group),
        ("start_instance_refresh", _check_refresh),
    ):
        setattr(AutoScalingResponse, name, _with_limits(getattr(AutoScalingResponse, name), name, check))
    _LIMITS.refuse_calls(AutoScalingResponse, _REFUSED_CALLS)


def _with_limits(answer: Any, name: str, check: Any) -> Any:
    def answer_within_limits(self: Any) -> Any:
        check(action_of(name), self.params)
        return answer(self)

    return answer_within_limits


def _check_group(action: str, told: Mapping[str, Any]) -> None:
    _LIMITS.check(action, _GROUP, told.items())
    policy = told.get("MixedInstancesPolicy") or {}
    for override in policy.get("LaunchTemplate", {}).get("Overrides") or []:
        _LIMITS.check(action, _OVERRIDE, override.items())
    _LIMITS.check(action, _DISTRIBUTION, (policy.get("InstancesDistribution") or {}).items())


def _check_refresh(action: str, told: Mapping[str, Any]) -> None:
    _LIMITS.check(action, _REFRESH, (told.get("Preferences") or {}).items())
    if told.get("Strategy", "Rolling") != "Rolling":
        _LIMITS.refuse(action, "Strategy", told["Strategy"])
    if told.get("DesiredConfiguration"):
        _LIMITS.refuse(action, "DesiredConfiguration", told["DesiredConfiguration"])
