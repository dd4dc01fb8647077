"""Load balancers before small HTTPS servers, all in a network namespace of the test's own."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.cloud import namespace
from sandbox.cloud.api.certificates import CertificateAuthority
from sandbox.cloud.balancer import program
from sandbox.cloud.balancer.names import NodeProbes
from sandbox.cloud.balancer.process import end_processes, processes
from sandbox.cloud.balancer.view import ListenerView
from sandbox.tests.cloud.balancer.api_servers import ApiServer, client, eventually, who_serves
from sandbox.tests.cloud.balancer.region import Region
from sandbox.tests.cloud.balancer.views import (
    BALANCER,
    FIRST,
    GROUP,
    NODE,
    SECOND,
    SECOND_NODE,
    TARGET_GROUP,
    draining,
    without,
)

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

NETWORK = f"quorate-test-{os.getpid()}"
WITH_LISTENER = replace(BALANCER, listeners=(*BALANCER.listeners, ListenerView(8443, 350, GROUP)))


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Region]:
    program.ensure(lambda line: None)
    namespace.create(NETWORK)
    for address in (FIRST, SECOND):
        namespace.run("ip", "-n", NETWORK, "address", "replace", f"{address}/32", "dev", "lo")
    authority = CertificateAuthority(tmp_path / "ca")
    # Names of sockets are short; pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="lb-") as folder:
        servers = {a: ApiServer(NETWORK, a, authority) for a in (FIRST, SECOND)}
        made = Region(NETWORK, Path(folder), servers, BALANCER, TARGET_GROUP)
        yield made
        if made.balancers:
            made.balancers.stop()
        end_processes(made.folder)
    for server in made.servers.values():
        server.stop()
    namespace.delete(NETWORK)


def changes_of_health(region: Region) -> list[str]:
    return [line for line in region.said if line.startswith("target ")]


def refuses(port: int) -> bool:
    try:
        who_serves(NETWORK, NODE, port, times=1)
    except ConnectionRefusedError:
        return True
    return False


def test_targets_are_healthy_after_their_checks_and_share_the_connections(region: Region) -> None:
    region.follow()
    region.wait(first="healthy", second="healthy")
    assert who_serves(NETWORK, NODE, times=30) == {FIRST, SECOND}
    assert region.servers[FIRST].sources == {NODE, SECOND_NODE}, "targets see the load balancer, not its clients"


def test_a_target_that_is_not_ready_leaves_and_its_connections_end(region: Region) -> None:
    region.follow()
    region.wait(first="healthy", second="healthy")
    with client(NETWORK, NODE) as opened:
        served_by = opened.served_by()
        other = SECOND if served_by == FIRST else FIRST
        region.servers[served_by].status = 500
        eventually(lambda: region.states() == {served_by: "unhealthy", other: "healthy"}, "one unhealthy")
        # Each node cuts those that go through it, by its own checks.
        eventually(opened.is_cut, "the connection is cut")
    told = region.health[served_by]
    assert (told.reason, told.description) == (
        "Target.ResponseCodeMismatch", "Health checks failed with these codes: [500]",
    )  # fmt: skip
    assert who_serves(NETWORK, NODE) == {other}
    region.servers[served_by].status = 200
    region.wait(first="healthy", second="healthy")


def test_without_a_healthy_target_all_are_tried(region: Region) -> None:
    region.servers[FIRST].status = region.servers[SECOND].status = 503
    region.follow()
    region.wait(first="unhealthy", second="unhealthy")
    assert who_serves(NETWORK, NODE, times=30) == {FIRST, SECOND}


def test_without_crossing_zones_a_node_has_the_targets_of_its_zone(region: Region) -> None:
    region.follow(replace(BALANCER, cross_zone=False))
    region.wait(first="healthy", second="healthy")
    assert who_serves(NETWORK, NODE) == {FIRST}
    assert who_serves(NETWORK, SECOND_NODE) == {SECOND}


def test_a_target_that_leaves_keeps_its_connections_for_the_delay(region: Region) -> None:
    region.follow()
    region.wait(first="healthy", second="healthy")
    with client(NETWORK, NODE) as opened:
        leaving = opened.served_by()
        other = SECOND if leaving == FIRST else FIRST
        region.follow(group=draining(leaving))
        eventually(lambda: who_serves(NETWORK, NODE) == {other}, "new connections go elsewhere")
        assert opened.served_by() == leaving
        region.follow(group=without(leaving))
        eventually(opened.is_cut, "the connection is cut after the delay")


def test_connections_to_a_target_that_has_left_may_end_by_themselves(region: Region) -> None:
    lasting = replace(TARGET_GROUP, ends_connections_of_deregistered=False)
    region.follow(group=lasting)
    region.wait(first="healthy", second="healthy")
    with client(NETWORK, NODE) as opened:
        leaving = opened.served_by()
        remaining = SECOND if leaving == FIRST else FIRST
        region.follow(group=without(leaving, lasting))
        eventually(lambda: who_serves(NETWORK, NODE) == {remaining}, "new connections go elsewhere")
        assert opened.served_by() == leaving
    region.follow(group=lasting)
    region.wait(first="healthy", second="healthy")
    eventually(lambda: who_serves(NETWORK, NODE, times=30) == {FIRST, SECOND}, "it is back")


def test_a_changed_load_balancer_keeps_its_connections_and_its_targets_health(region: Region) -> None:
    region.follow()
    region.wait(first="healthy", second="healthy")
    region.said.clear()
    with client(NETWORK, NODE) as opened:
        served_by = opened.served_by()
        region.follow(WITH_LISTENER)
        eventually(lambda: who_serves(NETWORK, NODE, 8443) == {FIRST, SECOND}, "the second port serves")
        assert opened.served_by() == served_by
        region.follow()
        eventually(lambda: refuses(8443), "the second port is closed")
        assert opened.served_by() == served_by
    assert changes_of_health(region) == []
    assert region.states() == {FIRST: "healthy", SECOND: "healthy"}


def test_connections_from_before_a_change_end_like_others(region: Region) -> None:
    region.follow()
    region.wait(first="healthy", second="healthy")
    with client(NETWORK, NODE) as opened:
        served_by = opened.served_by()
        lasting = replace(TARGET_GROUP, unhealthy_draining=None)
        region.follow(WITH_LISTENER, lasting)
        eventually(lambda: who_serves(NETWORK, NODE, 8443), "the second port serves")
        region.servers[served_by].status = 500
        eventually(lambda: region.states()[served_by] == "unhealthy", "unhealthy")
        assert opened.served_by() == served_by
        region.follow(WITH_LISTENER)
        eventually(opened.is_cut, "the connection is cut with the attribute")


def test_connections_from_before_a_change_end_after_the_delay_of_their_target(region: Region) -> None:
    region.follow()
    region.wait(first="healthy", second="healthy")
    with client(NETWORK, NODE) as opened:
        leaving = opened.served_by()
        region.follow(WITH_LISTENER, draining(leaving))
        eventually(lambda: who_serves(NETWORK, NODE, 8443), "the second port serves")
        assert opened.served_by() == leaving
        region.follow(WITH_LISTENER, without(leaving))
        eventually(opened.is_cut, "the connection is cut after the delay")


def test_one_that_cannot_change_goes_on_as_before_and_says_so(region: Region) -> None:
    region.follow()
    region.wait(first="healthy", second="healthy")
    with client(NETWORK, NODE) as opened, namespace.listening_socket(NETWORK, NODE, 8443):
        served_by = opened.served_by()
        region.follow(WITH_LISTENER)
        eventually(lambda: any("goes on as before" in line for line in region.said), "it says so")
        assert opened.served_by() == served_by
        assert who_serves(NETWORK, NODE) == {FIRST, SECOND}
    eventually(lambda: who_serves(NETWORK, NODE, 8443) == {FIRST, SECOND}, "the port is free, and it serves")
    assert region.states() == {FIRST: "healthy", SECOND: "healthy"}


def test_connections_across_zones_go_on_when_no_new_one_may_cross(region: Region) -> None:
    region.follow()
    region.wait(first="healthy", second="healthy")
    with ExitStack() as others:
        crossing = others.enter_context(client(NETWORK, NODE))
        while crossing.served_by() != SECOND:
            crossing = others.enter_context(client(NETWORK, NODE))
        region.said.clear()
        region.follow(replace(BALANCER, cross_zone=False))
        eventually(lambda: who_serves(NETWORK, NODE) == {FIRST}, "new connections stay in their zone")
        assert crossing.served_by() == SECOND
        region.follow()
        eventually(lambda: who_serves(NETWORK, NODE) == {FIRST, SECOND}, "new connections cross zones")
        assert crossing.served_by() == SECOND
    assert changes_of_health(region) == []


def test_the_next_supervisor_finds_it_with_its_connections(region: Region) -> None:
    region.follow()
    region.wait(first="healthy", second="healthy")
    before = processes(region.folder)
    with client(NETWORK, NODE) as opened:
        served_by = opened.served_by()
        assert region.balancers
        region.balancers.stop()
        region.start()
        region.health.clear()
        region.follow()
        region.wait(first="healthy", second="healthy")
        assert opened.served_by() == served_by
    assert processes(region.folder) == before


@pytest.mark.parametrize("dies", ["parent", "worker"])
def test_one_that_dies_is_started_again(region: Region, dies: str) -> None:
    region.follow()
    region.wait(first="healthy", second="healthy")
    before = processes(region.folder)
    assert len(before) == 2
    os.kill(min(before) if dies == "parent" else max(before), signal.SIGKILL)
    eventually(lambda: len(processes(region.folder)) == 2 and not {*before} & {*processes(region.folder)}, "others run")
    region.wait(first="healthy", second="healthy")


def test_one_that_is_deleted_leaves_no_process_address_or_file(region: Region) -> None:
    region.follow()
    region.wait(first="healthy", second="healthy")
    assert region.balancers
    region.balancers.follow((), ())
    eventually(lambda: not processes(region.folder) and not list(region.folder.iterdir()), "nothing is left")
    assert NODE not in namespace.run("ip", "-n", NETWORK, "address", "show", "dev", "lo")


def test_a_node_without_a_healthy_target_is_not_given_out(region: Region) -> None:
    region.follow(replace(BALANCER, cross_zone=False))
    region.wait(first="healthy", second="healthy")
    probes = NodeProbes(NETWORK, lambda: [NODE, SECOND_NODE], every=0.1)
    probes.start()
    region.servers[SECOND].status = 500
    eventually(lambda: probes.silent == {SECOND_NODE}, "the second node is left out")
    region.servers[SECOND].status = 200
    eventually(lambda: not probes.silent, "it is back")
    probes.stop()
