"""What the nodes of a load balancer see of a target, as DescribeTargetHealth tells it (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

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
    heard: dict[tuple[str, str], list[ServerState]] = {}
    unheard: dict[tuple[str, str], list[ServerState]] = {}
    for backend in backends:
        for server in backend.servers if backend.checked else ():
            state = states.get(backend.name, {}).get(server.name)
            if state is not None and not server.draining:
                seen = unheard if backend.node in silent else heard
                seen.setdefault((backend.group, server.name), []).append(state)
    return {key: _judge(found, before.get(key)) for key, found in (unheard | heard).items()}


def _judge(seen: Sequence[ServerState], before: TargetHealth | None) -> TargetHealth:
    if sum(state.is_up for state in seen) * 2 > len(seen):
        return _HEALTHY
    failed = [state for state in seen if not state.is_up and not _undecided(state)]
    if failed:
        (state, _), *_ = Counter(failed).most_common(1)
        return _unhealthy(state)
    # All checks pass, but not often enough yet.
    return before if before is not None and before.state == "unhealthy" else _INITIAL


def _undecided(state: ServerState) -> bool:
    return state.check in ("", "INI") or state.check.endswith("OK")


def _unhealthy(state: ServerState) -> TargetHealth:
    if state.check == "L7STS":
        return TargetHealth(
            "unhealthy", "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{state.check_code}]"
        )
    if state.check.endswith("TOUT"):
        return TargetHealth("unhealthy", "Target.Timeout", "Request timed out")
    return TargetHealth("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
