"""What the nodes of a load balancer see of a target, as DescribeTargetHealth tells it (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from sandbox.cloud.balancer.config import Backend
from sandbox.cloud.balancer.runtime import ServerState, States
from sandbox.cloud.balancer.view import TargetHealth

Health = Mapping[tuple[str, str], TargetHealth]
"""By the target group's ARN and the target's id."""

_HEALTHY = TargetHealth("healthy")
_INITIAL = TargetHealth("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")


def health_of(
    backends: Iterable[Backend], states: States, before: Health, silent: Collection[str] = ()
) -> dict[tuple[str, str], TargetHealth]:
    """A target is healthy where more than half of the nodes see it so.

    Nodes that are `silent`, by address, have no say, unless there are no others.
    """
    heard: dict[tuple[str, str], list[_Seen]] = {}
    unheard: dict[tuple[str, str], list[_Seen]] = {}
    for backend in backends:
        for server in backend.servers if backend.checked else ():
            state = states.get(backend.name, {}).get(server.name)
            if state is not None and not server.draining:
                seen = unheard if backend.node in silent else heard
                seen.setdefault((backend.group, server.name), []).append(_Seen(state, backend.initial_seconds))
    return {key: _judge(found, before.get(key)) for key, found in (unheard | heard).items()}


class _Seen(NamedTuple):
    """What one node sees of a target, and for how many seconds its checks may fail while it is new."""

    state: ServerState
    initial_seconds: int


def _judge(seen: Sequence[_Seen], before: TargetHealth | None) -> TargetHealth:
    if sum(state.is_up for state, _ in seen) * 2 > len(seen):
        return _HEALTHY
    down = [(state, initial_seconds) for state, initial_seconds in seen if not state.is_up]
    failing = [(state, wait) for state, wait in down if state.check not in ("", "INI") and not _passes(state)]
    was = before.state if before is not None else "initial"
    if was == "initial":
        # haproxy counts failures only of those that were up: of others, the time tells whether there were enough.
        failing = [(state, wait) for state, wait in failing if state.seconds > wait]
    if failing:
        (check, code), _ = Counter((state.check, state.check_code) for state, _ in failing).most_common(1)[0]
        return _unhealthy(check, code)
    if before is not None and was == "unhealthy":
        # All checks pass, but not often enough yet.
        return before
    if was == "healthy" and any(_passes(state) for state, _ in down):
        # It has fallen since the last look, and its checks pass already.
        return _unhealthy("", "")
    return _INITIAL


def _passes(state: ServerState) -> bool:
    return state.check.endswith("OK")


def _unhealthy(check: str, code: str) -> TargetHealth:
    if check == "L7STS":
        return TargetHealth(
            "unhealthy", "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{code}]"
        )
    if check.endswith("TOUT"):
        return TargetHealth("unhealthy", "Target.Timeout", "Request timed out")
    return TargetHealth("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
