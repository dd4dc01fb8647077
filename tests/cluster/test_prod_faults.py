"""What faults cost clients of the prod stack that write and read once a second."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import pytest

from components.timings import api_grace
from tests.cluster.account import account_client, fault
from tests.cluster.availability import watched
from tests.cluster.bounds import (
    ELECTION_SECONDS,
    ETCD_CONNECTION_SECONDS,
    ETCD_RECONNECTION_SECONDS,
    NODE_OUT_SECONDS,
    QUIET_SECONDS,
    SILENT_TARGET_OUT_SECONDS,
    TARGET_OUT_SECONDS,
    assert_bounded,
    assert_return_is_smooth,
)
from tests.cluster.fault_figures import Figures
from tests.cluster.long_requests import apply_talker, begin_long_requests
from tests.cluster.on_machines import run_on
from tests.cluster.prod_cluster import (
    API,
    CONTROL_PLANES,
    MEMBERS,
    REFRESH,
    STACK,
    UP,
    ProdCluster,
    api_server_started,
    api_server_stopped,
    crash_api_server,
    made_prod,
)
from tests.cluster.waiting import until
from tests.sandbox_cli import CHECKOUT

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

ZONES = "abc"
# tend-workers gives up the drain of a dead machine, whose pods cannot end, only then; a look before and after.
NODE_GONE_SECONDS = 240 + 2 * 30
RECORD = "QUORATE_RECORD"
# An API server starts, and its targets become healthy.
START_SECONDS = 60


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    made = Figures()
    yield made
    print(f"\n{made.table()}")
    if os.environ.get(RECORD):
        made.record(CHECKOUT / "pricing/data/measurements.json")


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProdCluster]:
    with made_prod(tmp_path_factory) as made:
        yield made


@pytest.fixture(autouse=True)
def everything_is_well(prod: ProdCluster) -> Iterator[None]:
    """Before each drill; what a failed one left broken is fixed after it."""
    until(prod.is_well, "every node Ready, every target healthy, every member well", 180)
    yield
    for zone in ZONES:
        fault("heal-zone", zone)
    for machine in (*CONTROL_PLANES, *MEMBERS):
        fault("heal", machine)


def test_the_api_is_ready_for_workers_for_each_control_plane_and_for_the_operator(prod: ProdCluster) -> None:
    asks = f"curl -sS --max-time 5 --cacert /etc/kubernetes/pki/ca.crt '{API}/readyz?verbose'"
    for machine in (*prod.workers(), *map(prod.instance, CONTROL_PLANES)):
        # Often enough that each load balancer's node and each target has its turn, its own machine among them.
        for _ in range(6):
            outcome = run_on(machine, "bash", "-c", asks)
            assert outcome.stdout.rstrip().endswith("readyz check passed"), (machine, outcome)
    assert "readyz check passed" in prod.workspace.kubectl("get", "--raw", "/readyz?verbose")


def test_a_control_plane_that_is_the_only_target_reaches_itself_through_the_load_balancer(prod: ProdCluster) -> None:
    balancers = account_client(prod.workspace.environment, "elbv2")
    (group,) = balancers.describe_target_groups(Names=["prod-internal"])["TargetGroups"]
    arn, machine = group["TargetGroupArn"], CONTROL_PLANES[1]
    own = prod.run(machine, "hostname -I").split()[0]
    described = balancers.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    others = [found["Target"] for found in described if found["Target"]["Id"] != own]
    assert len(others) == 2
    balancers.deregister_targets(TargetGroupArn=arn, Targets=others)
    try:
        script = (
            f"for _ in 1 2 3 4 5 6; do curl -sS --max-time 5 --cacert /etc/kubernetes/pki/ca.crt {API}/readyz; done"
        )
        assert prod.run(machine, script) == "ok" * 6
    finally:
        balancers.register_targets(TargetGroupArn=arn, Targets=others)


def test_an_api_server_that_stops_in_order_cuts_no_request_short_or_long(prod: ProdCluster, figures: Figures) -> None:
    machine = CONTROL_PLANES[1]
    apply_talker(prod, prod.workers()[0])
    with watched(prod.workspace, prod.workers()[0]) as watch:
        long = begin_long_requests(prod, CONTROL_PLANES[0], 2 * api_grace())
        with watch.making():
            api_server_stopped(prod, machine)
        stopped = watch.until_well(QUIET_SECONDS, 90)
        with watch.making():
            api_server_started(prod, machine)
        until(prod.is_well, "the API server is back", 120)
        back = watch.until_well(QUIET_SECONDS, 90)
    ends = long.ends()
    figures.add("api-server-stopped", "stopped", stopped)
    figures.add("api-server-stopped", "started again", back)
    figures.note("api-server-stopped", str(ends))
    assert_bounded(stopped, 0)
    assert_return_is_smooth(back)
    prod.assert_nothing_is_lost(watch)
    assert ends.cut("watch") == [], ends.complaints


def test_a_changed_argument_restarts_api_servers_in_turn_and_cuts_no_request(
    prod: ProdCluster, figures: Figures
) -> None:
    prod.workspace.set("controlPlane", "apiServerArguments", {"max-requests-inflight": "350"})
    apply_talker(prod, prod.workers()[0])
    with watched(prod.workspace, prod.workers()[0]) as watch:
        long = begin_long_requests(prod, CONTROL_PLANES[0], len(CONTROL_PLANES) * (api_grace() + START_SECONDS))
        started = time.monotonic()
        with watch.making():
            done = prod.workspace.changes(*UP)
        took = time.monotonic() - started
        seen = watch.until_well(QUIET_SECONDS, 90)
    ends = long.ends()
    figures.add("api-servers-restarted", "another argument for all", seen)
    figures.note("api-servers-restarted", f"`pulumi up` took {took:.0f} s; {ends}")
    assert set(done) == {"update"}, done
    assert_bounded(seen, 0)
    assert_return_is_smooth(seen)
    prod.assert_nothing_is_lost(watch)
    assert ends.cut("watch") == [], ends.complaints


def test_a_target_that_flaps_costs_no_more_than_its_target_does_each_time(prod: ProdCluster, figures: Figures) -> None:
    machine, times = CONTROL_PLANES[2], 3
    own = prod.run(machine, "hostname -I").split()[0]
    answers = f"curl -sf --max-time 2 --cacert /etc/kubernetes/pki/ca.crt https://{own}:6443/readyz"
    with watched(prod.workspace, prod.workers()[0]) as watch:
        with watch.making():
            for _ in range(times):
                crash_api_server(prod, machine)
                until(
                    lambda: run_on(prod.instance(machine), "bash", "-c", answers).stdout == "ok",
                    "it answers again",
                    120,
                )
        until(prod.is_well, "the API server is back", 120)
        seen = watch.until_well(QUIET_SECONDS, 120)
    figures.add("target-flapping", f"an API server crashes {times} times", seen)
    for place, each in seen.items():
        assert each.longest_run <= TARGET_OUT_SECONDS, (place, str(each))
        assert len(each.failed) <= times * TARGET_OUT_SECONDS, (place, str(each))
    prod.assert_nothing_is_lost(watch)


def test_a_control_plane_machine_that_dies_costs_seconds_and_comes_back_by_itself(
    prod: ProdCluster, figures: Figures
) -> None:
    # Whose controller manager and scheduler lead, as that is the worst.
    name = prod.leading_control_plane()
    died_and_returned(prod, figures, "control-plane-machine-lost", name, SILENT_TARGET_OUT_SECONDS)


def test_the_leader_of_etcd_that_dies_costs_an_election_and_hanging_connections(
    prod: ProdCluster, figures: Figures
) -> None:
    leader = prod.leader()
    died_and_returned(prod, figures, "etcd-leader-lost", leader, ELECTION_SECONDS + ETCD_CONNECTION_SECONDS)
    assert len(prod.hashes()) == 1


def died_and_returned(prod: ProdCluster, figures: Figures, failure: str, name: str, bound: float) -> None:
    ids = prod.member_ids()
    with watched(prod.workspace, prod.workers()[0]) as watch:
        with watch.making():
            fault("kill", name)
        died = watch.until_well(QUIET_SECONDS, 120)
        with watch.making():
            fault("heal", name)
        until(prod.is_well, f"{name} is back", 120)
        back = watch.until_well(QUIET_SECONDS, 120)
    figures.add(failure, "machine dead", died)
    figures.add(failure, "booted again", back)
    assert_bounded(died, bound)
    assert_return_is_smooth(back)
    assert prod.member_ids() == ids
    prod.assert_nothing_is_lost(watch)


def test_a_terminated_etcd_machine_comes_back_as_the_same_member_with_its_data(
    prod: ProdCluster, figures: Figures
) -> None:
    name, ids, lost = MEMBERS[2], prod.member_ids(), prod.instance(MEMBERS[2])
    prod.run(name, "echo before > /var/lib/etcd/kept")
    with watched(prod.workspace, prod.workers()[0]) as watch:
        with watch.making():
            fault("terminate", name)
        gone = watch.until_well(QUIET_SECONDS, 120)
        started = time.monotonic()
        with watch.making():
            assert set(prod.workspace.changes(*REFRESH)) == {"delete"}
            prod.workspace.pulumi(*UP)
        took = time.monotonic() - started
        until(prod.is_well, f"{name} is back", 120)
        back = watch.until_well(QUIET_SECONDS, 120)
    figures.add("etcd-machine-lost", "terminated", gone)
    figures.add("etcd-machine-lost", "brought back", back)
    figures.note("etcd-machine-lost", f"`pulumi refresh` and `pulumi up` took {took:.0f} s")
    assert_bounded(gone, ELECTION_SECONDS + ETCD_CONNECTION_SECONDS)
    assert_return_is_smooth(back)
    assert prod.instance(name) != lost
    assert prod.member_ids() == ids
    assert prod.run(name, "cat /var/lib/etcd/kept") == "before\n"
    assert len(prod.hashes()) == 1
    assert prod.workspace.changes(*UP) == {}
    prod.assert_nothing_is_lost(watch)


def test_a_zone_that_is_cut_silently_costs_seconds_and_comes_back(prod: ProdCluster, figures: Figures) -> None:
    zone = prod.zone(prod.instance(prod.leader()))
    with watched(prod.workspace, prod.worker_outside(zone)) as watch:
        with watch.making():
            fault("cut-zone", zone)
        cut = watch.until_well(QUIET_SECONDS, 120)
        figures.add("zone-cut-off", "cut off", cut)
        until(lambda: list(prod.nodes_if_told().values()).count(False) == 2, "the zone's nodes are NotReady", 120)
        with watch.making():
            fault("heal-zone", zone)
        until(prod.is_well, "the zone is back", 120)
        back = watch.until_well(QUIET_SECONDS, 120)
    figures.add("zone-cut-off", "healed", back)
    assert_bounded(cut, NODE_OUT_SECONDS + ELECTION_SECONDS + ETCD_CONNECTION_SECONDS)
    assert_bounded(back, ETCD_RECONNECTION_SECONDS)
    assert len(prod.hashes()) == 1
    prod.assert_nothing_is_lost(watch)


def test_a_worker_that_dies_is_replaced_by_its_group_and_its_node_goes(prod: ProdCluster, figures: Figures) -> None:
    lost, *others = prod.workers()
    with watched(prod.workspace, others[0]) as watch:
        with watch.making():
            fault("kill", lost)
        began = time.monotonic()
        until(lambda: new_worker_is_ready(prod, {lost, *others}), "the new node is Ready", 300)
        ready = time.monotonic() - began
        seen = watch.until_well(QUIET_SECONDS, 90)
    until(lambda: not any(node.endswith(lost) for node in prod.nodes()), "the old node is gone", NODE_GONE_SECONDS)
    gone = time.monotonic() - began
    assert lost not in prod.workers()
    figures.add("worker-lost", "machine dead", seen)
    figures.note("worker-lost", f"another node Ready after {ready:.0f} s, the old one removed after {gone:.0f} s")
    assert_return_is_smooth(seen)
    prod.assert_nothing_is_lost(watch)


def new_worker_is_ready(prod: ProdCluster, known: set[str]) -> bool:
    new = set(prod.workers()) - known
    return any(ready and node.rpartition("general-")[2] in new for node, ready in prod.nodes().items())


def test_without_two_members_the_api_says_so_and_one_that_returns_makes_it_whole(
    prod: ProdCluster, figures: Figures
) -> None:
    leader = prod.leader()
    lost = [leader, next(member for member in MEMBERS if member != leader)]
    with watched(prod.workspace, prod.workers()[0]) as watch:
        before = watch.written()
        for name in lost:
            fault("kill", name)
        took, said = refused_write(prod)
        with watch.making():
            fault("heal", lost[1])
        back = watch.until_well(QUIET_SECONDS, 180)
        fault("heal", lost[0])
        until(prod.is_well, "all members are back", 120)
    figures.note("two-members-lost", f"a write is refused after {took:.0f} s ({said})")
    figures.add("two-members-lost", "from the moment that one is switched on again", back)
    assert before <= prod.objects()
    assert len(prod.hashes()) == 1
    prod.assert_nothing_is_lost(watch)


def refused_write(prod: ProdCluster) -> tuple[float, str]:
    """How many seconds an API server takes to refuse a write by a client that waits for it, and with which words.

    Asked itself: the load balancers cut connections to targets that are not ready, which all of them are soon.
    """
    machine = CONTROL_PLANES[0]
    patch = json.dumps({"metadata": {"annotations": {"tried": "without two members"}}})
    outcome = run_on(
        prod.instance(machine), "curl", "-sS", "--max-time", "90", "--write-out", "\n%{http_code} %{time_total}",
        "--cacert", "/etc/kubernetes/pki/ca.crt", "--cert", "/var/lib/kubelet/pki/kubelet-client-current.pem",
        "-X", "PATCH",
        "-H", "Content-Type: application/merge-patch+json", "--data", patch,
        f"https://127.0.0.1:6443/api/v1/nodes/{machine.removeprefix(f'{STACK}-')}", seconds=100,
    )  # fmt: skip
    answer, _, told = outcome.stdout.rpartition("\n")
    code, seconds = told.split()
    assert code in ("500", "503", "504"), (outcome, answer)
    return float(seconds), f"{code} {json.loads(answer)['message'].partition(' desc')[0]}"
