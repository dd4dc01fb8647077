"""What a Pod says about itself: ready, or which container has which trouble. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.engine.kubernetes.awaiting.verdict import Verdict
from sandbox.engine.kubernetes.objects import (
    Object,
    condition,
    integer,
    lookup,
    mapping,
    name_of,
    namespace_of,
    owned_by,
    sequence,
    text,
)

_NOISE = "rpc error: code = Unknown desc = Error response from daemon: "


def display_name(obj: Mapping[str, Any]) -> str:
    namespace = namespace_of(obj)
    return name_of(obj) if namespace in ("", "default") else f"{namespace}/{name_of(obj)}"


def judge_pod(pod: Object) -> Verdict:
    """Scheduled, initialized, and ready or succeeded."""
    name = display_name(pod)
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") != "True":
        message = text(scheduled.get("message")) if scheduled.get("reason") else ""
        return Verdict(False, f'Waiting for Pod "{name}" to be scheduled', (message,) if message else ())
    initialized = condition(pod, "Initialized")
    if initialized.get("status") != "True":
        return Verdict(False, f'Waiting for Pod "{name}" to be initialized', _trouble(pod, initialized))
    ready = condition(pod, "Ready")
    if ready.get("status") != "True" and lookup(pod, "status", "phase") != "Succeeded":
        return Verdict(False, f'Waiting for Pod "{name}" to be ready', _trouble(pod, ready))
    return Verdict(True)


def pod_problems(pods: Iterable[Object], owner: Mapping[str, Any]) -> tuple[str, ...]:
    """Troubles of the pods that belong to `owner`."""
    return tuple(problem for pod in pods if owned_by(pod, owner) for problem in judge_pod(pod).problems)


def _trouble(pod: Object, found: Mapping[str, Any]) -> tuple[str, ...]:
    statuses = [*sequence(pod, "status", "initContainerStatuses"), *sequence(pod, "status", "containerStatuses")]
    errors = [error for status in statuses for error in _container_errors(status)]
    message = text(found.get("message")) if found.get("reason") else ""
    if not errors and not message:
        return ()
    return (f"[Pod {display_name(pod)}]: " + " ".join([*([message] if message else []), *errors]),)


def _container_errors(status: Mapping[str, Any]) -> list[str]:
    if status.get("ready"):
        return []
    errors = []
    waiting = mapping(status, "state", "waiting")
    if waiting and waiting.get("reason") not in ("ContainerCreating", "PodInitializing"):
        errors.append(f"[{text(waiting.get('reason'))}] {_trimmed(waiting)}")
    ended = mapping(status, "state", "terminated")
    if ended.get("reason") and integer(ended, "exitCode"):
        errors.append(
            f"[{ended['reason']}] {_trimmed(ended)}"
            if ended.get("message")
            else f'container "{text(status.get("name"))}" completed with exit code {integer(ended, "exitCode")}'
        )
    before = mapping(status, "lastState", "terminated")
    if before:
        errors.append(
            f'container "{text(status.get("name"))}" terminated at {text(before.get("finishedAt"))} '
            f"({text(before.get('reason'))}: exit code {integer(before, 'exitCode')})"
            + (f"\n{before['message']}" if before.get("message") else "")
        )
    return errors


def _trimmed(state: Mapping[str, Any]) -> str:
    return text(state.get("message")).removeprefix(_NOISE).removesuffix(": manifest unknown")
