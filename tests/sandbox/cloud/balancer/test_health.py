"""What the checks see is told as DescribeTargetHealth tells it."""

from __future__ import annotations

import pytest

from sandbox.cloud.balancer.config import Backend, Server
from sandbox.cloud.balancer.health import health_of
from sandbox.cloud.balancer.runtime import ServerState
from sandbox.cloud.balancer.view import TargetHealth

UP = ServerState("", "UP", "L7OK", "200", 0)
RISING = ServerState("", "DOWN 1/2", "L7OK", "200", 0)
NEW = ServerState("", "DOWN", "INI", "", 0)
FAILED = ServerState("", "DOWN", "L7STS", "500", 0)
SILENT = ServerState("", "DOWN", "L4TOUT", "", 0)
REFUSED = ServerState("", "DOWN", "L4CON", "", 0)
UNHEALTHY = TargetHealth("unhealthy", "Target.FailedHealthChecks", "Health checks failed")


def judged(
    *nodes: ServerState, before: TargetHealth | None = None, draining: bool = False, silent: tuple[str, ...] = ()
) -> TargetHealth | None:
    servers = (Server("a", "", 1, "", draining),)
    backends = [Backend(f"b{number}", f"node-{number}", "group", True, True, servers) for number in range(len(nodes))]
    states = {f"b{number}": {"a": state} for number, state in enumerate(nodes)}
    return health_of(backends, states, {("group", "a"): before} if before else {}, silent).get(("group", "a"))


def test_a_target_is_healthy_where_most_nodes_see_it_so() -> None:
    assert judged(UP, UP, SILENT) == TargetHealth("healthy")


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


def test_a_new_target_is_initial_until_its_checks_have_passed_often_enough() -> None:
    for seen in (NEW, RISING):
        told = judged(seen)
        assert told is not None
        assert (told.state, told.reason) == ("initial", "Elb.InitialHealthChecking")


def test_a_target_that_recovers_stays_unhealthy_until_then() -> None:
    assert judged(RISING, before=UNHEALTHY) == UNHEALTHY


def test_a_node_that_is_not_heard_has_no_say_unless_it_is_the_only_one() -> None:
    assert judged(UP, SILENT, silent=("node-1",)) == TargetHealth("healthy")
    assert judged(UP, silent=("node-0",)) == TargetHealth("healthy")


def test_of_a_target_that_leaves_nothing_is_said() -> None:
    assert judged(UP, draining=True) is None
