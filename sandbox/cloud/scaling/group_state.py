"""A group's instances and activities, kept on moto's own objects so that they are saved with the account."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from moto.autoscaling.models import InstanceState, autoscaling_backends
from moto.ec2.models import ec2_backends

from sandbox.cloud.scaling.plan import Member, Place

LAUNCHING, TERMINATING = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"
_ACTIVITIES_KEPT = 200


def groups_in(account: str, region: str) -> list[Any]:
    return list(autoscaling_backends[account][region].autoscaling_groups.values())


def places_of(group: Any) -> list[Place]:
    """The subnets that the group launches into, in the order in which they were given."""
    backend = group.ec2_backend
    subnet_ids = [part.strip() for part in (group.vpc_zone_identifier or "").split(",") if part.strip()]
    return [Place(subnet_id, backend.get_subnet(subnet_id).availability_zone) for subnet_id in subnet_ids]


def template_in(backend: Any, named: Mapping[str, Any]) -> Any:
    """The template that a request or a specification names, by id or by name."""
    if named.get("LaunchTemplateId"):
        return backend.get_launch_template(named["LaunchTemplateId"])
    return backend.get_launch_template_by_name(named.get("LaunchTemplateName"))


def wanted_template(group: Any) -> tuple[Any, Any]:
    """The launch template and the version that the group launches from now. Raises where either is gone."""
    specification = specification_of(group)
    template = template_in(ec2_backends[group.account_id][group.region], specification)
    return template, template.get_version(specification.get("Version") or "$Default")


def specification_of(group: Any) -> dict[str, Any]:
    if group.mixed_instances_policy:
        found: dict[str, Any] = group.mixed_instances_policy["LaunchTemplate"]["LaunchTemplateSpecification"]
        return found
    return {"LaunchTemplateId": group.ec2_launch_template.id, "Version": group.launch_template_version}


def launched_from(state: Any) -> tuple[str, str]:
    """Id and version of the launch template that an instance was made from."""
    tags = {tag["key"]: tag["value"] for tag in state.instance.get_tags()}
    return tags.get("aws:ec2launchtemplate:id", ""), tags.get("aws:ec2launchtemplate:version", "")


def counts(state: Any) -> bool:
    """Whether an instance counts towards the desired number."""
    return not state.lifecycle_state.startswith("Terminating")


def members_of(group: Any) -> list[Member]:
    """The group's instances as its plan sees them."""
    try:
        template, version = wanted_template(group)
        current = (template.id, str(version.number))
    except Exception:  # the template is gone: nothing can be compared, and ending instances must still work
        current = None
    return [
        Member(
            id=state.instance.id,
            subnet_id=state.instance.subnet_id,
            zone=state.availability_zone,
            launched_at=state.launched_at,
            outdated=current is not None and launched_from(state) != current,
        )
        for state in group.instance_states
        if counts(state)
    ]


def add(group: Any, instance: Any, now: float) -> Any:
    """The new instance, as a member that is not in service yet."""
    instance.autoscaling_group = group
    state: Any = InstanceState(
        instance,
        lifecycle_state="Pending",
        protected_from_scale_in=group.new_instances_protected_from_scale_in,
        autoscaling_group=group,
    )
    state.launched_at, state.in_service_since, state.wait_until = now, None, None
    group.instance_states.append(state)
    return state


def hook_of(group: Any, transition: str) -> Any:
    """The group's lifecycle hook for a transition, or None. The account takes one for each."""
    hooks = autoscaling_backends[group.account_id][group.region].lifecycle_hooks.values()
    return next(
        (h for h in hooks if h.auto_scaling_group_name == group.name and h.lifecycle_transition == transition), None
    )


def activities_of(group: Any) -> list[dict[str, Any]]:
    """The group's scaling activities, newest first."""
    found: list[dict[str, Any]] = vars(group).setdefault("activities", [])
    return found


def begin_activity(group: Any, now: float, description: str, cause: str) -> dict[str, Any]:
    activity = {
        "ActivityId": str(uuid.uuid4()),
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "Description": description,
        "Cause": f"At {_time(now):%Y-%m-%dT%H:%M:%SZ} {cause}",
        "StartTime": _time(now),
        "StatusCode": "InProgress",
        "Progress": 50,
        "Details": "{}",
    }
    activities = activities_of(group)
    activities.insert(0, activity)
    del activities[_ACTIVITIES_KEPT:]
    return activity


def end_activity(activity: dict[str, Any], now: float, failure: str | None = None) -> None:
    activity["EndTime"], activity["Progress"] = _time(now), 100
    activity["StatusCode"] = "Failed" if failure else "Successful"
    if failure:
        activity["StatusMessage"] = failure


def open_activities(group: Any, instance_id: str) -> Iterator[dict[str, Any]]:
    for activity in activities_of(group):
        if activity["StatusCode"] == "InProgress" and activity["Description"].endswith(instance_id):
            yield activity


def _time(now: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(now, datetime.UTC)
