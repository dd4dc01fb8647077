"""Load balancers before two machines in two zones, on the host: who reaches what, under which address, and faults.

No cluster is made here, so that this runs in two minutes. What the balancers do by themselves is tested in
sandbox/tests/cloud/balancer, on a network without machines.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from sandbox import lifecycle, status
from sandbox.tests.machines.balancer_stage import TARGETS, Stage, allow, build
from tests.cluster.account import fault
from tests.cluster.host_facts import host_facts
from tests.cluster.waiting import until

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
