"""What the checks see is reported as DescribeTargetHealth reports it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.cloud.balancer.config import Backend, Route, Server
from sandbox.cloud.balancer.findings import Finding, noted
from sandbox.cloud.balancer.health import health_of
from sandbox.cloud.balancer.runtime import ServerState, all_failing, states_in
from sandbox.cloud.balancer.view import TargetHealth

UP = ServerState("", "UP", "L7OK", "200", 0)
RISING = ServerState("", "DOWN 1/2", "L7OK", "200", 0)
NEW = ServerState("", "DOWN", "INI", "", 0)
FAILED = ServerState("", "DOWN", "L7STS", "500", 0)
SILENT = ServerState("", "DOWN", "L4TOUT", "", 0)
REFUSED = ServerState("", "DOWN", "L4CON", "", 0)
NOW = 1000.0
HEALTHY = TargetHealth("healthy")
INITIAL = TargetHealth("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
UNHEALTHY = TargetHealth("unhealthy", "Target.FailedHealthChecks", "Health checks failed")


def node(number: int, draining: int | None = 0, initial_seconds: int = 20, registered_at: float = 0.0) -> Route:
    servers = (Server("a", "", 1, "", registered_at),)
    return Route(
        f"node-{number}",
        "group",
        Backend(f"c{number}", servers, checks=True),
        Backend(f"b{number}", servers, checks=False),
        initial_seconds,
        unhealthy_draining=draining,
    )


def judged(
    *nodes: ServerState,
    before: TargetHealth | None = UNHEALTHY,
    silent: tuple[str, ...] = (),
    initial_seconds: int = 20,
    draining: int | None = 0,
    registered_at: float = 0.0,
    since: float = NOW,
) -> TargetHealth | None:
    """What is reported where the nodes see this, and have found `before` at the time `since`."""
    routes = [node(number, draining, initial_seconds, registered_at) for number in range(len(nodes))]
    states = {f"c{number}": {"a": state} for number, state in enumerate(nodes)}
    known = before is not None and before != INITIAL
    last = (Finding(before == HEALTHY, since, since),) if known else ()
    found = noted({(route.checks.name, "a"): last for route in routes}, routes, states, NOW, slow=False)
    return health_of(routes, states, found, {("group", "a"): before} if before else {}, NOW, silent)[("group", "a")]


def test_a_target_is_healthy_where_most_nodes_see_it_so() -> None:
    assert judged(UP, UP, SILENT) == HEALTHY


@pytest.mark.parametrize(
    ("seen", "reason", "description"),
    [
        (FAILED, "Target.ResponseCodeMismatch", "Health checks failed with these codes: [500]"),
        (SILENT, "Target.Timeout", "Request timed out"),
        (REFUSED, "Target.FailedHealthChecks", "Health checks failed"),
    ],
)
def test_an_unhealthy_target_has_the_reason(seen: ServerState, reason: str, description: str) -> None:
    assert judged(seen, seen, UP) == TargetHealth("unhealthy", reason, description)


@pytest.mark.parametrize("before", [None, INITIAL])
def test_a_new_target_is_initial_until_its_checks_have_passed_often_enough(before: TargetHealth | None) -> None:
    assert judged(NEW, before=before) == judged(RISING, before=before) == INITIAL
    assert judged(UP, before=before) == HEALTHY


@pytest.mark.parametrize("before", [None, INITIAL])
def test_a_new_target_is_unhealthy_when_its_checks_have_failed_often_enough(before: TargetHealth | None) -> None:
    # Of three checks every ten seconds the last is due after twenty.
    assert judged(replace(FAILED, seconds=20), before=before, initial_seconds=20) == INITIAL
    told = judged(replace(FAILED, seconds=21), before=before, initial_seconds=20)
    assert told is not None
    assert told.state == "unhealthy"


def test_of_a_target_that_was_healthy_haproxy_has_counted_the_failures() -> None:
    told = judged(replace(FAILED, seconds=0), before=HEALTHY)
    assert told is not None
    assert told.state == "unhealthy"


def test_a_target_that_recovers_stays_unhealthy_until_then() -> None:
    assert judged(RISING, before=UNHEALTHY) == UNHEALTHY


def test_a_target_that_fell_and_recovers_between_two_looks_is_unhealthy_until_then() -> None:
    assert judged(RISING, before=HEALTHY) == UNHEALTHY


def test_a_target_that_was_registered_anew_is_initial() -> None:
    assert judged(NEW, before=HEALTHY, registered_at=NOW - 1, since=NOW - 100) == INITIAL
    assert judged(replace(UP, check="INI"), before=HEALTHY) == HEALTHY, "another haproxy"


def test_a_node_that_is_not_heard_has_no_say_unless_it_is_the_only_one() -> None:
    assert judged(UP, SILENT, silent=("node-1",)) == HEALTHY
    assert judged(UP, silent=("node-0",)) == HEALTHY


def test_a_listener_or_a_node_that_is_added_leaves_a_healthy_target_healthy() -> None:
    known = {("c0", "a"): (Finding(True, NOW, NOW),)}
    added = replace(node(0), forwards=replace(node(0).forwards, name="added"))
    for routes in ([node(0), added, replace(added)], [node(0), node(1)]):
        states = {"c0": {"a": UP}, "c1": {"a": NEW}}
        found = noted(known, routes, states, NOW, slow=False)
        assert health_of(routes, states, found, {("group", "a"): HEALTHY}, NOW) == {("group", "a"): HEALTHY}
        assert len(routes) == 3 or health_of(routes, states, found, {}, NOW) == {("group", "a"): INITIAL}


@pytest.mark.parametrize(
    ("draining", "state"), [(0, "unhealthy"), (300, "unhealthy.draining"), (299, "unhealthy"), (None, "unhealthy")]
)
def test_an_unhealthy_target_drains_for_the_interval(draining: int | None, state: str) -> None:
    told = judged(FAILED, draining=draining, since=NOW - 299)
    assert told == TargetHealth(state, "Target.ResponseCodeMismatch", "Health checks failed with these codes: [500]")


def test_while_all_checks_fail_everything_is_unhealthy() -> None:
    answer = (
        "# pxname,svname,scur,status,check_status,check_code,addr,lastchg,\n"
        "c0,a,0,UP,L7OK,200,10.20.0.10:6443,7,\nc0,BACKEND,0,UP,,,,,\n"
    )
    routes, states = [node(0)], all_failing(states_in(answer))
    found = noted({("c0", "a"): (Finding(True, 1.0, 1.0),)}, routes, states, NOW, slow=False)
    told = health_of(routes, states, found, {("group", "a"): HEALTHY}, NOW)
    assert told == {("group", "a"): TargetHealth("unhealthy", "Target.FailedHealthChecks", "Health checks failed")}
