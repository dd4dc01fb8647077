"""What the nodes of a load balancer have found out about its targets, and what follows from it (pure but for the file).

haproxy checks targets and forwards as it is asked to. What a check finds is noted with its time, and with
the time from which on new connections follow it, so that a change which is on its way survives supervisor and haproxy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from sandbox.cloud.balancer.config import Groups, Route, Server
from sandbox.cloud.balancer.runtime import ServerState, States

SLOW_CHANGE_SECONDS = 40
"""How long AWS, where it is slow, goes on as before after it has shown a change of health
(https://github.com/aws/containers-roadmap/issues/470: 30 to 40 s until new connections stop)."""
SLOW_REGISTRATION_SECONDS = 180
"""How long a target may be registered before it gets connections
(https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/1834: 90 to 300 s)."""


class Finding(NamedTuple):
    """A target's health as a node sees it, from `at` on; new connections follow it from `due` on.

    Both in seconds since the epoch.
    """

    healthy: bool
    at: float
    due: float


Key = tuple[str, str]
"""A backend and the target's name in it: the backend that checks for what is found, the one that forwards for what is
closed or cut."""
Findings = Mapping[Key, tuple[Finding, ...]]
"""Oldest first: the one that connections follow, and those that they do not follow yet."""


def noted(
    before: Findings, routes: Iterable[Route], states: States, now: float, slow: bool
) -> dict[Key, tuple[Finding, ...]]:
    """The findings after another look at haproxy's `states`. Of targets that left, and left and came, none are kept."""
    found: dict[Key, tuple[Finding, ...]] = {}
    for route in routes:
        delay = SLOW_CHANGE_SECONDS + route.interval if slow else 0  # so that the last node has seen it for as long
        for server in route.checks.servers:
            key = route.checks.name, server.name
            known = before.get(key, ()) if _belong(before.get(key, ()), server) else ()
            last = known[-1].healthy if known else None
            state = states.get(route.checks.name, {}).get(server.name)
            seen = last if state is None else _healthy(state, last, route.initial_seconds)
            if seen is not None and seen != last:
                # What is known first counts at once: a registration has a delay of its own.
                known = (*known, Finding(seen, now, now + delay if known else now))
            if known:
                followed = max((n for n, finding in enumerate(known) if finding.due <= now or not delay), default=0)
                found[key] = known[followed:]
    return found


def healthy(routes: Iterable[Route], findings: Findings) -> set[Key]:
    """Those that were healthy when that was known last, by the backend that checks and name."""
    return {
        (route.checks.name, server.name)
        for route in routes
        for server in route.checks.servers
        if any(finding.healthy for finding in _of(route, server, findings)[-1:])
    }


def receivers(route: Route, findings: Findings) -> tuple[set[str], bool]:
    """Who gets new connections, by name, and whether that is everybody because nobody is healthy."""
    registered = {server.name: _of(route, server, findings) for server in route.checks.servers}
    well = {name for name, found in registered.items() if found and found[0].healthy}
    return well or set(registered), not well


def closed(routes: Iterable[Route], findings: Findings) -> set[Key]:
    """Those that get no new connections, by the backend that forwards and name."""
    return {
        (route.forwards.name, server.name)
        for route in routes
        for server in route.forwards.servers
        if server.name not in receivers(route, findings)[0]
    }


def to_be_cut(route: Route, findings: Findings, cut_at: Mapping[Key, float], now: float) -> set[str]:
    """Unhealthy targets whose connections end now; `cut_at` says when that was done last."""
    _, fails_open = receivers(route, findings)
    if fails_open or route.unhealthy_draining is None:
        return set()
    names = set()
    for server in route.checks.servers:
        for finding in _of(route, server, findings)[-1:]:
            done = cut_at.get((route.forwards.name, server.name), 0.0)
            # Once when it is unhealthy, and once for those that came until that took effect.
            ends = (moment + route.unhealthy_draining for moment in (finding.at, finding.due))
            if not finding.healthy and any(done < end <= now for end in ends):
                names.add(server.name)
    return names


def registering(
    groups: Groups, routes: Iterable[Route], findings: Findings, now: float, slow: bool
) -> set[tuple[str, str]]:
    """Targets, by group and address, that AWS would not look at yet, where it is slow."""
    if not slow:
        return set()
    in_use = {
        (route.group, server.name)
        for route in routes
        for server in route.checks.servers
        if _belong(_of(route, server, findings), server)
    }
    return {
        (group.arn, target.address)
        for group in groups.values()
        for target in group.targets
        if target.draining_since is None
        and now < target.registered_at + SLOW_REGISTRATION_SECONDS
        and (group.arn, target.address) not in in_use
    }


def load(file: Path) -> Findings:
    if not file.exists():
        return {}
    told = json.loads(file.read_text())
    return {(backend, name): tuple(Finding(*values) for values in found) for backend, name, found in told}


def save(file: Path, findings: Findings) -> None:
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps([(*key, found) for key, found in findings.items()]))
    partial.replace(file)


def _of(route: Route, server: Server, findings: Findings) -> tuple[Finding, ...]:
    return findings.get((route.checks.name, server.name), ())


def _belong(known: tuple[Finding, ...], server: Server) -> bool:
    """Whether they are about this registration of the target."""
    return bool(known) and known[-1].at >= server.registered_at


def _healthy(state: ServerState, before: bool | None, initial_seconds: int) -> bool | None:
    """What the state says; None while that is not known."""
    if state.is_up:
        return True
    if not state.is_checked:
        return before
    if before is None:
        # haproxy counts failures only of those that were up: of others, the time tells whether there were enough.
        return False if not state.passes and state.seconds > initial_seconds else None
    # Also where its checks pass already, but not often enough yet.
    return False
