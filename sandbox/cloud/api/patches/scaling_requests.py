"""Fault: instance refreshes, and the answers to lifecycle hooks, are not implemented."""

from __future__ import annotations

import datetime
import time
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import AutoScalingBackend
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from sandbox.cloud.api.patches.scaling_groups import group_named, member_with
from sandbox.cloud.scaling import groups, refresh
from sandbox.cloud.scaling.group_state import LAUNCHING, TERMINATING, hook_of


def apply(region: str) -> None:
    create_hook = AutoScalingBackend.create_lifecycle_hook

    def start_refresh(self: Any) -> Any:
        group = group_named(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
        if refresh.current(group):
            raise AutoscalingClientError(
                "InstanceRefreshInProgress", "An Instance Refresh is already in progress and blocks this one"
            )
        made = refresh.start(group, dict(self._get_param("Preferences", {})), time.time())
        return ActionResult({"InstanceRefreshId": made})

    def cancel_refresh(self: Any) -> Any:
        group = group_named(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
        found = refresh.cancel(group)
        if found is None:
            raise AutoscalingClientError(
                "ActiveInstanceRefreshNotFound",
                f"No in progress or pending Instance Refresh found for Auto Scaling group {group.name}",
            )
        return ActionResult({"InstanceRefreshId": found})

    def describe_refreshes(self: Any) -> Any:
        group = group_named(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
        asked = set(self._get_param("InstanceRefreshIds", []))
        found = [r for r in refresh.all_of(group) if not asked or r["id"] in asked]
        return ActionResult({"InstanceRefreshes": [_told(group, r) for r in found]})

    def create_lifecycle_hook(
        self: Any, name: str, as_name: str, transition: str, timeout: int | None, result: str | None
    ) -> Any:
        group = group_named(self, as_name)
        other = hook_of(group, transition)
        if transition not in (LAUNCHING, TERMINATING):
            raise ValidationError(f"Invalid lifecycle transition {transition}")
        if other is not None and other.name != name:
            raise AutoscalingClientError(
                "SandboxNotModelled",
                f"the sandbox's groups take one lifecycle hook for each transition; {as_name} has {other.name}",
            )
        hook = create_hook(self, name, as_name, transition, timeout, result or "ABANDON")
        hook.role_arn = hook.notification_target_arn = None
        hook.global_timeout = min(100 * hook.heartbeat_timeout, 172800)
        return hook

    def complete(self: Any) -> Any:
        group, state = _waiting(self)
        groups.proceed(group, state, self._get_param("LifecycleActionResult"), time.time())
        return EmptyResult()

    AutoScalingResponse.start_instance_refresh = start_refresh
    AutoScalingResponse.cancel_instance_refresh = cancel_refresh
    AutoScalingResponse.describe_instance_refreshes = describe_refreshes
    AutoScalingResponse.complete_lifecycle_action = complete
    AutoScalingBackend.create_lifecycle_hook = create_lifecycle_hook


def _waiting(request: Any) -> tuple[Any, Any]:
    """The group and the instance that a request's hook makes wait."""
    instance_id, name = request._get_param("InstanceId"), request._get_param("LifecycleHookName")
    if not instance_id:
        raise AutoscalingClientError(
            "SandboxNotModelled", "the sandbox's groups tell lifecycle actions by InstanceId, not by token"
        )
    group, state = member_with(request.autoscaling_backend, instance_id)
    transition = TERMINATING if state.lifecycle_state.startswith("Terminating") else LAUNCHING
    hook = hook_of(group, transition)
    named_group = request._get_param("AutoScalingGroupName")
    if state.wait_until is None or hook is None or hook.name != name or group.name != named_group:
        raise ValidationError(f"No active Lifecycle Action found with instance ID {instance_id}")
    return group, state


def _told(group: Any, found: dict[str, Any]) -> dict[str, Any]:
    told = {
        "InstanceRefreshId": found["id"],
        "AutoScalingGroupName": group.name,
        "Status": found["status"],
        "StartTime": datetime.datetime.fromtimestamp(found["started"], datetime.UTC),
        "PercentageComplete": refresh.percentage(found),
        "InstancesToUpdate": len(found["to_do"]),
        "Preferences": found["preferences"],
    }
    if found["ended"] is not None:
        told["EndTime"] = datetime.datetime.fromtimestamp(found["ended"], datetime.UTC)
    return told
