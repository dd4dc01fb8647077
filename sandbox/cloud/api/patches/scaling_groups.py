"""Fault: a group launches all instances into its first subnet, from the default version of its template, with the
template's tags over its own, and calls them in service at once. Stopped and unhealthy instances stay; a group's
termination is done before its instances have ended. Activities are not told.
Fault: a changed group loses its mixed instances policy, keeps the old cooldown, termination policies and more, and a
desired number outside its bounds is taken. The grace period 0 becomes 300.
Fault: two groups may have one name; a group with instances is deleted; a lifecycle hook is kept and never called.
Fault: DescribeAutoScalingInstances shows the template's default version in place of the one launched from.

Here moto's objects hold what groups and instances are; what they do is sandbox.cloud.scaling.
"""

from __future__ import annotations

import copy
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, InstanceState
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult

from sandbox.cloud.scaling import groups, launching
from sandbox.cloud.scaling.group_state import launched_from, places_of, specification_of, wanted_template

_KEPT = {
    "DefaultCooldown": "default_cooldown",
    "DefaultInstanceWarmup": "default_instance_warmup",
    "HealthCheckGracePeriod": "health_check_grace_period",
    "MaxInstanceLifetime": "max_instance_lifetime",
    "CapacityRebalance": "capacity_rebalance",
}
"""Parameters, and where a group has their values."""


def apply(region: str) -> None:
    create, update = AutoScalingResponse.create_auto_scaling_group, AutoScalingResponse.update_auto_scaling_group

    def create_group(self: Any) -> Any:
        told = self.params
        name, least, most = told["AutoScalingGroupName"], told["MinSize"], told["MaxSize"]
        if name in self.autoscaling_backend.autoscaling_groups:
            raise AutoscalingClientError(
                "AlreadyExists", f"AutoScalingGroup by this name already exists - A group with the name {name} exists"
            )
        wanted = told.setdefault("DesiredCapacity", least)
        _require_within(least, most, wanted)
        answer = create(self)
        group = self.autoscaling_backend.autoscaling_groups[name]
        group.health_check_grace_period = 0
        group.availability_zone_distribution = {"CapacityDistributionStrategy": "balanced-best-effort"}
        group.capacity_reservation_specification = {"CapacityReservationPreference": "default"}
        _keep(group, told)
        for hook in told.get("LifecycleHookSpecificationList", []):
            self.autoscaling_backend.create_lifecycle_hook(
                hook["LifecycleHookName"], name, hook["LifecycleTransition"],
                hook.get("HeartbeatTimeout"), hook.get("DefaultResult"),
            )  # fmt: skip
        try:
            require_launchable(group)
        except ServiceException:
            del self.autoscaling_backend.autoscaling_groups[name]
            raise
        return answer

    def update_group(self: Any) -> Any:
        told = self.params
        group = group_named(self.autoscaling_backend, told["AutoScalingGroupName"])
        least, most = told.get("MinSize", group.min_size), told.get("MaxSize", group.max_size)
        wanted = told.get("DesiredCapacity", min(max(int(group.desired_capacity), least), most))
        _require_within(least, most, wanted)
        told["DesiredCapacity"] = wanted
        if not told.get("LaunchTemplate") and not told.get("MixedInstancesPolicy") and group.mixed_instances_policy:
            told["MixedInstancesPolicy"] = policy = copy.deepcopy(group.mixed_instances_policy)
            # moto adds the name to the id, and refuses both.
            policy["LaunchTemplate"]["LaunchTemplateSpecification"].pop("LaunchTemplateName", None)
        answer = update(self)
        _keep(group, told)
        require_launchable(group)
        group.retry_launch_at = 0.0
        return answer

    def delete_group(self: Any) -> Any:
        group = group_named(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
        if group.instance_states and not self._get_param("ForceDelete"):
            if all(state.lifecycle_state.startswith("Terminating") for state in group.instance_states):
                raise AutoscalingClientError(
                    "ScalingActivityInProgress", f"You cannot delete {group.name} while there are scaling activities"
                )
            raise AutoscalingClientError(
                "ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances still in the group."
            )
        group.status = "Delete in progress"
        return EmptyResult()

    def set_desired(self: Any) -> Any:
        group = group_named(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
        wanted = int(self._get_param("DesiredCapacity"))
        if not group.min_size <= wanted <= group.max_size:
            bound, value = ("below min", group.min_size) if wanted < group.min_size else ("above max", group.max_size)
            raise ValidationError(
                f"New SetDesiredCapacity value {wanted} is {bound} value {value} for the AutoScalingGroup."
            )
        group.desired_capacity = wanted
        return EmptyResult()

    def describe_activities(self: Any) -> Any:
        name = self._get_param("AutoScalingGroupName")
        asked = set(self._get_param("ActivityIds", []))
        known = self.autoscaling_backend.autoscaling_groups.values()
        found = [group_named(self.autoscaling_backend, name)] if name else list(known)
        activities = [a for group in found for a in getattr(group, "activities", [])]
        return ActionResult({"Activities": [a for a in activities if not asked or a["ActivityId"] in asked]})

    AutoScalingResponse.create_auto_scaling_group = create_group
    AutoScalingResponse.update_auto_scaling_group = update_group
    AutoScalingResponse.delete_auto_scaling_group = delete_group
    AutoScalingResponse.set_desired_capacity = set_desired
    AutoScalingResponse.describe_scaling_activities = describe_activities
    FakeAutoScalingGroup.set_desired_capacity = _note_desired
    FakeAutoScalingGroup.launch_template = property(_template_of)
    InstanceState.launch_template = property(_template_of_instance)
    # Which instances there are is seen in the next step, not told.
    AutoScalingBackend.notify_terminate_instances = lambda self, instance_ids: None


def group_named(backend: Any, name: str) -> Any:
    group = backend.autoscaling_groups.get(name)
    if group is None:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return group


def member_with(backend: Any, instance_id: str) -> tuple[Any, Any]:
    """The group that an instance is in, and its state there."""
    for group in backend.autoscaling_groups.values():
        for state in group.instance_states:
            if state.instance.id == instance_id:
                return group, state
    raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")


def require_launchable(group: Any) -> None:
    """Refuses a group that could not launch, as AWS does when a group is made or changed.

    Whether its zones offer its instance type shows when it launches.
    """
    for place in places_of(group):
        try:
            template, version = wanted_template(group)
            launching.check(
                group.account_id, group.region, template, version.number, data=version.data,
                subnet_id=place.subnet_id, tags={}, instance_type=groups.instance_type_of(group),
            )  # fmt: skip
        except ServiceException as refusal:
            if refusal.code == "SandboxNotModelled":
                raise
            if refusal.code != "Unsupported":
                raise ValidationError(
                    f"You must use a valid fully-formed launch template. {refusal.message} ({refusal.code})"
                ) from None


def _require_within(least: int, most: int, wanted: int) -> None:
    if least > most:
        raise ValidationError(f"Max bound, {most}, must be greater than or equal to min bound, {least}")
    if not least <= wanted <= most:
        raise ValidationError(
            f"Desired capacity:{wanted} must be between the specified min size:{least} and max size:{most}"
        )


def _keep(group: Any, told: dict[str, Any]) -> None:
    for parameter, attribute in _KEPT.items():
        if parameter in told:
            setattr(group, attribute, told[parameter])


def _note_desired(group: Any, wanted: int | None) -> None:
    group.desired_capacity = group.min_size if wanted is None else wanted


def _template_of(group: Any) -> dict[str, Any] | None:
    if group.ec2_launch_template is None or group.mixed_instances_policy:
        return None
    return {
        "LaunchTemplateId": group.ec2_launch_template.id,
        "LaunchTemplateName": group.ec2_launch_template.name,
        "Version": group.provided_launch_template_version,
    }


def _template_of_instance(state: Any) -> dict[str, Any] | None:
    template_id, version = launched_from(state)
    specification = specification_of(state.auto_scaling_group)
    name = specification.get("LaunchTemplateName") or state.auto_scaling_group.ec2_launch_template.name
    return {"LaunchTemplateId": template_id, "LaunchTemplateName": name, "Version": version}
