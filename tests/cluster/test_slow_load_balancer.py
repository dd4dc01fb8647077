"""What faults cost behind a load balancer that acts as late as AWS's: short requests each second, and long ones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from components.timings import api_grace
from tests.cluster.account import fault
from tests.cluster.availability import Watch, watched
from tests.cluster.bounds import (
    ELECTION_SECONDS,
    ETCD_CONNECTION_SECONDS,
    NODE_OUT_SECONDS,
    QUIET_SECONDS,
    SILENT_TARGET_OUT_SECONDS,
    SLOW_LOAD_BALANCER_SECONDS,
    TARGET_OUT_SECONDS,
    assert_bounded,
    assert_return_is_smooth,
)
from tests.cluster.fault_figures import Figures
from tests.cluster.long_requests import NUMBERS, Ends, apply_talker, begin_long_requests
from tests.cluster.prod_cluster import (
    CONTROL_PLANES,
    UP,
    ProdCluster,
    api_server_started,
    api_server_stopped,
    crash_api_server,
    made_prod,
)
from tests.cluster.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

# An API server starts, and its targets become healthy.
START_SECONDS = 60 + SLOW_LOAD_BALANCER_SECONDS
# A fault is made, shown, and over for the clients.
FAULT_SECONDS = 240


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    made = Figures()
    yield made
    print(f"\n{made.table()}")


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProdCluster]:
    with made_prod(tmp_path_factory) as made:
        fault("slow-balancer")
        yield made


@pytest.fixture(autouse=True)
def everything_is_well(prod: ProdCluster) -> Iterator[None]:
    """Before each drill, and for longer than the load balancers go by what was; afterwards all machines are whole."""
    until(prod.is_well, "every node Ready, every target healthy, every member well", 180)
    began = time.monotonic()
    until(lambda: time.monotonic() - began > SLOW_LOAD_BALANCER_SECONDS and prod.is_well(), "it stays so", 180)
    yield
    for zone in "abc":
        fault("heal-zone", zone)
    for machine in CONTROL_PLANES:
        fault("heal", machine)


@contextmanager
def clients(prod: ProdCluster, worker: str, beside: str, seconds: int) -> Iterator[tuple[Watch, list[Ends]]]:
    """Short requests from the worker and the operator, and long ones from the machine `beside`; how those ended is in
    the list afterwards."""
    apply_talker(prod, worker)
    ends: list[Ends] = []
    with watched(prod.workspace, worker) as watch:
        long = begin_long_requests(prod, beside, seconds)
        yield watch, ends
        ends.append(long.ends())


def test_an_api_server_that_stops_in_order_fails_no_short_request_and_cuts_no_watch(
    prod: ProdCluster, figures: Figures
) -> None:
    machine = CONTROL_PLANES[1]
    with clients(prod, prod.workers()[0], CONTROL_PLANES[0], 2 * api_grace()) as (watch, ends):
        with watch.making():
            api_server_stopped(prod, machine)
        stopped = watch.until_well(QUIET_SECONDS, 90)
        with watch.making():
            api_server_started(prod, machine)
        until(prod.is_well, "the API server is back", START_SECONDS)
        back = watch.until_well(QUIET_SECONDS, 120)
    figures.add("api-server-stopped", "stopped", stopped)
    figures.add("api-server-stopped", "started again", back)
    figures.note("api-server-stopped", str(ends[0]))
    assert_bounded(stopped, 0)
    assert_return_is_smooth(back)
    assert ends[0].cut("watch") == [], ends[0].complaints
    prod.assert_nothing_is_lost(watch)


def test_another_argument_for_all_api_servers_fails_no_short_request_and_cuts_no_watch(
    prod: ProdCluster, figures: Figures
) -> None:
    lasts = len(CONTROL_PLANES) * (api_grace() + START_SECONDS)
    prod.workspace.set("controlPlane", "apiServerArguments", {"max-requests-inflight": "350"})
    with clients(prod, prod.workers()[0], CONTROL_PLANES[0], lasts) as (watch, ends):
        started = time.monotonic()
        with watch.making():
            done = prod.workspace.changes(*UP)
        took = time.monotonic() - started
        seen = watch.until_well(QUIET_SECONDS, 90)
    figures.add("api-servers-restarted", "another argument for all", seen)
    figures.note("api-servers-restarted", f"`pulumi up` took {took:.0f} s; {ends[0]}")
    assert set(done) == {"update"}, done
    assert_bounded(seen, 0)
    assert ends[0].cut("watch") == [], ends[0].complaints
    prod.assert_nothing_is_lost(watch)


def test_an_api_server_that_crashes_costs_what_the_load_balancer_takes_to_act(
    prod: ProdCluster, figures: Figures
) -> None:
    with clients(prod, prod.workers()[0], CONTROL_PLANES[0], FAULT_SECONDS) as (watch, ends):
        with watch.making():
            crash_api_server(prod, CONTROL_PLANES[2])
        seen = watch.until_well(QUIET_SECONDS + SLOW_LOAD_BALANCER_SECONDS, 180)
    figures.add("api-server-crashed", "crashed", seen)
    figures.note("api-server-crashed", str(ends[0]))
    assert_bounded(seen, TARGET_OUT_SECONDS + SLOW_LOAD_BALANCER_SECONDS)
    # Those of one API server of three, whichever has how many of them.
    assert len(ends[0].cut("watch")) < NUMBERS["watch"], str(ends[0])
    prod.assert_nothing_is_lost(watch)


def test_a_control_plane_machine_that_dies_costs_what_the_load_balancer_takes_to_act(
    prod: ProdCluster, figures: Figures
) -> None:
    name = prod.leading_control_plane()
    with clients(prod, prod.workers()[0], other_than([name]), FAULT_SECONDS) as (watch, ends):
        with watch.making():
            fault("kill", name)
        died = watch.until_well(QUIET_SECONDS, 180)
        with watch.making():
            fault("heal", name)
        until(prod.is_well, f"{name} is back", 180)
        back = watch.until_well(QUIET_SECONDS + SLOW_LOAD_BALANCER_SECONDS, 180)
    figures.add("control-plane-machine-lost", "machine dead", died)
    figures.add("control-plane-machine-lost", "booted again", back)
    figures.note("control-plane-machine-lost", str(ends[0]))
    assert_bounded(died, SILENT_TARGET_OUT_SECONDS + SLOW_LOAD_BALANCER_SECONDS)
    assert_return_is_smooth(back)
    prod.assert_nothing_is_lost(watch)


def test_a_zone_that_is_cut_silently_costs_what_the_load_balancer_takes_to_act(
    prod: ProdCluster, figures: Figures
) -> None:
    zone = prod.zone(prod.instance(prod.leader()))
    within = [name for name in CONTROL_PLANES if prod.zone(prod.instance(name)) == zone]
    with clients(prod, prod.worker_outside(zone), other_than(within), FAULT_SECONDS) as (watch, ends):
        with watch.making():
            fault("cut-zone", zone)
        cut = watch.until_well(QUIET_SECONDS, 180)
        with watch.making():
            fault("heal-zone", zone)
        until(prod.is_well, "the zone is back", 180)
        back = watch.until_well(QUIET_SECONDS, 180)
    figures.add("zone-cut-off", "cut off", cut)
    figures.add("zone-cut-off", "healed", back)
    figures.note("zone-cut-off", str(ends[0]))
    out = max(NODE_OUT_SECONDS, SILENT_TARGET_OUT_SECONDS + SLOW_LOAD_BALANCER_SECONDS)
    assert_bounded(cut, out + ELECTION_SECONDS + ETCD_CONNECTION_SECONDS)
    assert len(prod.hashes()) == 1
    prod.assert_nothing_is_lost(watch)


def other_than(names: Sequence[str]) -> str:
    """A control plane that is none of these."""
    return next(name for name in CONTROL_PLANES if name not in names)
