"""Auto Scaling groups at work: each step compares a group with its instances and does what is missing."""

from __future__ import annotations

import time
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.core.exceptions import ServiceException

from sandbox.cloud.scaling import refresh
from sandbox.cloud.scaling.group_state import (
    LAUNCHING,
    TERMINATING,
    add,
    begin_activity,
    counts,
    end_activity,
    groups_in,
    hook_of,
    members_of,
    open_activities,
    places_of,
    wanted_template,
)
from sandbox.cloud.scaling.launching import launch
from sandbox.cloud.scaling.plan import Place, plan

_RETRY_SECONDS = 15.0
"""Between a launch that failed and the next try."""
_GONE = ("stopping", "stopped", "shutting-down", "terminated")


def advance(account: str, region: str, now: float | None = None) -> bool:
    """Brings every group a step on. True where something changed, so that another step may follow.

    The account must not change meanwhile.
    """
    moment = time.time() if now is None else now
    changed = [_advance(group, moment) for group in groups_in(account, region)]
    return _remove_ended(account, region) or any(changed)


def end_member(group: Any, state: Any, cause: str, now: float, force: bool = False) -> None:
    """Takes an instance out of the group's service: past its termination hook, then ends it."""
    if not counts(state):
        return
    begin_activity(group, now, f"Terminating EC2 instance: {state.instance.id}", cause)
    hook = hook_of(group, TERMINATING)
    if hook is not None and not force and state.instance.state in ("pending", "running"):
        state.lifecycle_state, state.wait_until = "Terminating:Wait", now + hook.heartbeat_timeout
    else:
        _terminate(group, state)


def proceed(group: Any, state: Any, result: str, now: float) -> None:
    """Ends the wait of a lifecycle hook. An instance that is abandoned while it starts is ended."""
    state.wait_until = None
    if state.lifecycle_state == "Terminating:Wait":
        _terminate(group, state)
    elif result == "CONTINUE":
        _put_in_service(group, state, now)
    else:
        state.lifecycle_state = "Pending"
        end_member(group, state, "an instance was abandoned by its launching lifecycle hook.", now, force=True)


def _advance(group: Any, now: float) -> bool:
    before = _shape(group)
    for state in list(group.instance_states):
        _observe(group, state, now)
    refresh.advance(group, now, end_member)
    _scale(group, now)
    return _shape(group) != before


def _remove_ended(account: str, region: str) -> bool:
    backend = autoscaling_backends[account][region]
    ended = [group for group in groups_in(account, region) if is_ending(group) and not group.instance_states]
    for group in ended:
        del backend.autoscaling_groups[group.name]
        hooks = {key: h for key, h in backend.lifecycle_hooks.items() if h.auto_scaling_group_name != group.name}
        backend.lifecycle_hooks = hooks
    return bool(ended)


def _shape(group: Any) -> tuple[Any, ...]:
    return (
        tuple((s.instance.id, s.lifecycle_state, s.health_status) for s in group.instance_states),
        [(found["status"], found["surplus"], len(found["to_do"])) for found in refresh.all_of(group)[:1]],
    )


def _observe(group: Any, state: Any, now: float) -> None:
    """What has become of one instance."""
    ec2_state = state.instance.state
    if ec2_state == "terminated":
        for activity in open_activities(group, state.instance.id):
            end_activity(activity, now)
        group.instance_states.remove(state)
        return
    if state.wait_until is not None:
        leaves = not counts(state)
        hook = hook_of(group, TERMINATING if leaves else LAUNCHING)
        if hook is None:  # deleted meanwhile: AWS ends what is left of it this way
            proceed(group, state, "CONTINUE" if leaves else "ABANDON", now)
        elif now >= state.wait_until:
            proceed(group, state, hook.default_result, now)
    if not counts(state):
        return
    if _failed(group, state, ec2_state, now):
        state.health_status = "Unhealthy"
    if state.health_status == "Unhealthy":
        end_member(
            group, state, "an instance was taken out of service in response to an EC2 instance health check.", now
        )
    elif state.lifecycle_state == "Pending" and ec2_state == "running":
        hook = hook_of(group, LAUNCHING)
        if hook is None:
            _put_in_service(group, state, now)
        else:
            state.lifecycle_state, state.wait_until = "Pending:Wait", now + hook.heartbeat_timeout


def _failed(group: Any, state: Any, ec2_state: str, now: float) -> bool:
    """An instance that is not running has failed; a status check counts after the grace period."""
    if ec2_state in _GONE:
        return True
    since = state.in_service_since
    grace = float(group.health_check_grace_period or 0)
    return bool(getattr(state.instance, "impaired", False)) and since is not None and now >= since + grace


def _scale(group: Any, now: float) -> None:
    wanted = 0 if is_ending(group) else int(group.desired_capacity or 0) + refresh.surplus(group)
    decided = plan(wanted, places_of(group), members_of(group))
    by_id = {state.instance.id: state for state in group.instance_states}
    for instance_id in decided.terminate:
        cause = f"an instance was taken out of service to shrink the capacity to {wanted}."
        end_member(group, by_id[instance_id], cause, now, force=is_ending(group))
    if decided.launch and now >= getattr(group, "retry_launch_at", 0.0):
        for place in decided.launch:
            # AWS's default, `balanced-best-effort`: where a launch fails, the other zones are tried.
            others = [other for other in places_of(group) if other.zone != place.zone]
            if not any(_launch(group, tried, now) for tried in (place, *others)):
                group.retry_launch_at = now + _RETRY_SECONDS
                break


def is_ending(group: Any) -> bool:
    return getattr(group, "status", None) == "Delete in progress"


def _launch(group: Any, place: Place, now: float) -> bool:
    activity = begin_activity(
        group, now, "Launching a new EC2 instance", f"an instance was started to reach {group.desired_capacity}."
    )
    try:
        template, version = wanted_template(group)
        tags = group.get_propagated_tags() | {"aws:autoscaling:groupName": group.name}
        instance = launch(
            group.account_id,
            group.region,
            template,
            version.number,
            data=version.data,
            subnet_id=place.subnet_id,
            tags={key: value for key, value in tags.items() if not key.startswith("aws:")},
            instance_type=instance_type_of(group),
        )
    except ServiceException as refusal:
        end_activity(activity, now, f"{refusal.message} Launching EC2 instance failed.")
        return False
    instance.add_tags({"aws:autoscaling:groupName": group.name})
    if is_spot(group, sum(counts(state) for state in group.instance_states)):
        instance.lifecycle = "spot"
    activity["Description"] = f"Launching a new EC2 instance: {instance.id}"
    add(group, instance, now)
    return True


def instance_type_of(group: Any) -> str | None:
    """The first type of a mixed instances policy; None where the template says the type."""
    policy = group.mixed_instances_policy or {}
    overrides = policy.get("LaunchTemplate", {}).get("Overrides") or []
    return str(overrides[0]["InstanceType"]) if overrides and overrides[0].get("InstanceType") else None


def is_spot(group: Any, present: int) -> bool:
    """Whether the next instance, after `present` ones, is a Spot Instance by the group's distribution."""
    told = (group.mixed_instances_policy or {}).get("InstancesDistribution") or {}
    base = int(told.get("OnDemandBaseCapacity") or 0)
    share = told.get("OnDemandPercentageAboveBaseCapacity")
    share = 100 if share is None else int(share)
    above = present - base
    if above < 0 or share >= 100:
        return False
    on_demand_before, on_demand_after = -(-above * share // 100), -(-(above + 1) * share // 100)
    return on_demand_after == on_demand_before


def _put_in_service(group: Any, state: Any, now: float) -> None:
    state.lifecycle_state, state.in_service_since, state.wait_until = "InService", now, None
    for activity in open_activities(group, state.instance.id):
        end_activity(activity, now)


def _terminate(group: Any, state: Any) -> None:
    state.lifecycle_state, state.wait_until = "Terminating", None
    if state.instance.state not in ("shutting-down", "terminated"):
        # Termination protection is for people, not for the group.
        state.instance.terminate()
