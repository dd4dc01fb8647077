"""What the nodes of a load balancer see of a target, as DescribeTargetHealth tells it (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from sandbox.cloud.balancer.config import Route
from sandbox.cloud.balancer.findings import Finding, Findings
from sandbox.cloud.balancer.runtime import ServerState, States
from sandbox.cloud.balancer.view import TargetHealth

Health = Mapping[tuple[str, str], TargetHealth]
"""By the target group's ARN and the target's id."""

_HEALTHY = TargetHealth("healthy")
_INITIAL = TargetHealth("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")


def health_of(
    routes: Iterable[Route],
    states: States,
    findings: Findings,
    before: Health,
    now: float,
    silent: Collection[str] = (),
) -> dict[tuple[str, str], TargetHealth]:
    """A target is healthy where more than half of the nodes see it so.

    Nodes that are `silent`, by address, have no say, unless there are no others. Where a target was healthy, a node
    that has not found anything yet, because it is new or sees the zone only now, does not make it `initial`.
    """
    heard: dict[tuple[str, str], list[_Seen]] = {}
    unheard: dict[tuple[str, str], list[_Seen]] = {}
    # Once for each node and target group, however many listeners there are.
    for route in {route.checks.name: route for route in routes}.values():
        for server in route.checks.servers:
            state = states.get(route.checks.name, {}).get(server.name)
            if state is not None:
                seen = unheard if route.node in silent else heard
                found = findings.get((route.checks.name, server.name), ())
                last = found[-1] if found else None
                seen.setdefault((route.group, server.name), []).append(_Seen(state, last, route.unhealthy_draining))
    return {key: _judge(found, before.get(key), now) for key, found in (unheard | heard).items()}


class _Seen(NamedTuple):
    """What one node sees of a target, and for how long its connections go on when it is unhealthy."""

    state: ServerState
    last: Finding | None
    draining: int | None


def _judge(seen: Sequence[_Seen], before: TargetHealth | None, now: float) -> TargetHealth:
    well = sum(last is not None and last.healthy for _, last, _ in seen)
    undecided = sum(last is None for _, last, _ in seen)
    if well and before == _HEALTHY:
        well += undecided
    if well * 2 > len(seen):
        return _HEALTHY
    unhealthy = [(state, last, draining) for state, last, draining in seen if last is not None and not last.healthy]
    if not unhealthy:
        return _INITIAL
    state = "unhealthy"
    if any(now < last.at + (draining or 0) for _, last, draining in unhealthy):
        state = "unhealthy.draining"
    failing = Counter((s.check, s.check_code) for s, _, _ in unhealthy if s.is_checked and not s.passes)
    if failing:
        (check, code), _ = failing.most_common(1)[0]
        return TargetHealth(state, *_because(check, code))
    if before is not None and before.state.startswith("unhealthy"):
        # All checks pass, but not often enough yet.
        return TargetHealth(state, before.reason, before.description)
    return TargetHealth(state, *_because("", ""))


def _because(check: str, code: str) -> tuple[str, str]:
    if check == "L7STS":
        return "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{code}]"
    if check.endswith("TOUT"):
        return "Target.Timeout", "Request timed out"
    return "Target.FailedHealthChecks", "Health checks failed"
