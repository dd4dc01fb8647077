"""Load balancers before two machines in two zones, on the host: who reaches what, under which address, and faults.

No cluster is made here, so that this runs in ten minutes, half of them spent in waiting for slow load balancers. What
the balancers do by themselves is tested in sandbox/tests/cloud/balancer, on a network without machines.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox import lifecycle, status
from sandbox.tests.machines.balancer_stage import TARGETS, Stage, allow, build
from tests.cluster.account import fault
from tests.cluster.host_facts import host_facts
from tests.cluster.waiting import until

HOSTS = ("ip-10-60-0-10", "ip-10-60-1-10")
TERMINATION = "target_health_state__unhealthy__connection_termination__enabled"
DRAINING = "target_health_state__unhealthy__draining_interval_seconds"

pytestmark = [pytest.mark.cluster, pytest.mark.drill]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    lifecycle.down(print)
    before = host_facts()
    lifecycle.up(print)
    try:
        made = Stage(dict(lifecycle.environment(print)))
        build(made)
        until(lambda: set(made.health().values()) == {"healthy"}, "both targets healthy", 60)
        yield made
    finally:
        print(status.log_file().read_text())
        lifecycle.down(print)
    assert host_facts() == before


def who_answers(stage: Stage) -> set[str]:
    """Who answers twelve connections of the client, each new."""
    return {host for _ in range(12) for host in stage.asks("client")[:1]}


@contextmanager
def not_ready(stage: Stage, shown: str = "unhealthy") -> Iterator[None]:
    """The first target is, and that is shown, at the beginning and at the end."""
    stage.run("target-0", "touch", "/srv/broken")
    try:
        until(lambda: stage.health()[TARGETS[0]] == shown, shown, 60)
        yield
    finally:
        stage.run("target-0", "rm", "/srv/broken")
    until(lambda: stage.health()[TARGETS[0]] == "healthy", "healthy again", 60)


@contextmanager
def keeping_connections_for(stage: Stage, seconds: int) -> Iterator[None]:
    stage.set_attributes(**{TERMINATION: "false"})
    stage.set_attributes(**{DRAINING: str(seconds)})
    try:
        yield
    finally:
        stage.set_attributes(**{DRAINING: "0"})
        stage.set_attributes(**{TERMINATION: "true"})


@contextmanager
def broken(kind: str) -> Iterator[None]:
    """A fault of the load balancers."""
    fault(kind)
    try:
        yield
    finally:
        fault("heal-balancer")


def test_a_client_reaches_all_targets_by_the_clusters_own_name_and_they_see_the_balancer(stage: Stage) -> None:
    answers = [stage.asks("client") for _ in range(12)]
    assert {host for host, _ in answers} == {"ip-10-60-0-10", "ip-10-60-1-10"}
    assert not {"10.60.1.20"} & {seen for _, seen in answers}


def test_a_target_reaches_itself_through_the_balancer(stage: Stage) -> None:
    until(lambda: stage.asks("target-0")[:1] == ["ip-10-60-0-10"], "led back to itself", 60)


def test_security_groups_stand_before_the_balancer_and_behind_it(stage: Stage) -> None:
    assert stage.asks("stranger") == []
    assert stage.asks("client", f"https://{TARGETS[0]}:6443/") == []


def test_the_operator_reaches_the_public_balancer_by_name_and_the_internal_one_not(stage: Stage) -> None:
    assert stage.operator_asks(stage.public_name).startswith("ip-10-60-")
    assert "502" in stage.operator_asks(stage.internal_name)


def test_a_machine_reaches_the_public_balancer_as_the_internet_sees_it(stage: Stage) -> None:
    url = f"https://{stage.public_name}:6443/"
    assert stage.asks("stranger", url) == []
    ec2 = stage.client("ec2")
    (reservation,) = ec2.describe_instances(InstanceIds=[stage.machines["stranger"]])["Reservations"]
    allow(ec2, stage.public_group, {"IpRanges": [{"CidrIp": reservation["Instances"][0]["PublicIpAddress"] + "/32"}]})
    until(lambda: stage.asks("stranger", url), "reached by its public address", 60)


def test_a_target_that_is_not_ready_gets_nothing_until_it_is(stage: Stage) -> None:
    stage.run("target-0", "touch", "/srv/broken")
    until(lambda: stage.health()[TARGETS[0]] == "unhealthy", "unhealthy", 60)
    # Each node of the load balancer looks for itself.
    until(lambda: {stage.asks("client")[0] for _ in range(12)} == {"ip-10-60-1-10"}, "the other gets everything", 60)
    stage.run("target-0", "rm", "/srv/broken")
    until(lambda: stage.health()[TARGETS[0]] == "healthy", "healthy again", 60)


def test_connections_of_an_unhealthy_target_end_at_once_as_is_aws_default(stage: Stage) -> None:
    held = stage.hold(25)
    with not_ready(stage):
        assert set(held.result()) == {"", HOSTS[1]}


def test_connections_of_an_unhealthy_target_go_on_for_the_interval(stage: Stage) -> None:
    with keeping_connections_for(stage, 300):
        held = stage.hold(25)
        with not_ready(stage, "unhealthy.draining"):
            until(lambda: who_answers(stage) == {HOSTS[1]}, "new connections go elsewhere", 60)
            assert set(held.result()) == set(HOSTS)
    with keeping_connections_for(stage, 5):
        held = stage.hold(25)
        with not_ready(stage, "unhealthy"):
            assert set(held.result()) == {"", HOSTS[1]}


def test_a_changed_attribute_holds_for_connections_that_are_there(stage: Stage) -> None:
    with keeping_connections_for(stage, 300):
        held = stage.hold(30)
        with not_ready(stage, "unhealthy.draining"):
            stage.set_attributes(**{TERMINATION: "true"})
            assert set(held.result()) == {"", HOSTS[1]}


def test_slow_new_connections_follow_a_change_of_health_long_after_it_is_shown(stage: Stage) -> None:
    with broken("slow-balancer"):
        with not_ready(stage):
            shown = time.monotonic()
            assert HOSTS[0] in who_answers(stage)
            until(lambda: who_answers(stage) == {HOSTS[1]}, "new connections go elsewhere", 120)
            assert time.monotonic() - shown >= 40
        shown = time.monotonic()
        assert who_answers(stage) == {HOSTS[1]}
        until(lambda: who_answers(stage) == set(HOSTS), "it is used again", 120)
        assert time.monotonic() - shown >= 40


def test_slow_a_target_gets_connections_three_minutes_after_its_registration(stage: Stage) -> None:
    balancing, wanted = stage.client("elbv2"), [{"Id": TARGETS[0]}]
    stage.set_attributes(deregistration_delay__timeout_seconds="0")
    with broken("slow-balancer"):
        balancing.deregister_targets(TargetGroupArn=stage.group, Targets=wanted)
        until(lambda: who_answers(stage) == {HOSTS[1]}, "it has left", 60)
        balancing.register_targets(TargetGroupArn=stage.group, Targets=wanted)
        registered = time.monotonic()
        assert stage.health() == {TARGETS[0]: "initial", TARGETS[1]: "healthy"}
        until(lambda: who_answers(stage) == set(HOSTS), "it is used", 300)
        assert time.monotonic() - registered >= 180
        assert stage.health()[TARGETS[0]] == "healthy"


def test_while_all_checks_fail_everything_is_sent_to_all(stage: Stage) -> None:
    with broken("fail-checks"):
        until(lambda: set(stage.health().values()) == {"unhealthy"}, "all unhealthy", 60)
        assert who_answers(stage) == set(HOSTS)
    until(lambda: set(stage.health().values()) == {"healthy"}, "both targets healthy", 60)


def test_the_balancer_goes_on_without_the_supervisor_and_the_next_one_finds_it(stage: Stage) -> None:
    supervisor = status.running()
    assert supervisor
    os.kill(supervisor.pid, signal.SIGKILL)
    until(lambda: status.running() is None, "the supervisor is gone", 60)
    addresses = [f"10.60.{number}.4" for number in (0, 1)]
    reached = [stage.asks("client", f"https://{address}:6443/") for address in addresses]
    assert all(reached), reached
    lifecycle.up(print)
    stage.environment = dict(lifecycle.environment(print))
    until(lambda: set(stage.health().values()) == {"healthy"}, "health is known again", 60)
    assert stage.asks("client")


def test_a_zone_that_is_cut_costs_neither_machines_nor_the_operator_the_api(stage: Stage) -> None:
    fault("cut-zone", "a")
    until(lambda: stage.health() == {TARGETS[0]: "unhealthy", TARGETS[1]: "healthy"}, "the zone's target is out", 60)
    until(lambda: all(stage.asks("client")[:1] == ["ip-10-60-1-10"] for _ in range(6)), "the name leads elsewhere", 60)
    assert stage.operator_asks(stage.public_name).startswith("ip-10-60-1-10 ")
    fault("heal-zone", "a")
    until(lambda: set(stage.health().values()) == {"healthy"}, "both targets healthy", 60)
