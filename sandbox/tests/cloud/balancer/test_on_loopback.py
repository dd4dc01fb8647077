"""haproxy itself on loopback: what the account changes while it runs, and load balancers at AWS's worst."""

from __future__ import annotations

import os
import signal
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.cloud import namespace
from sandbox.cloud.api.certificates import CertificateAuthority
from sandbox.cloud.balancer import balancers, findings, program
from sandbox.cloud.balancer.process import BalancerProcess, end_processes, processes
from sandbox.cloud.balancer.view import ListenerView, NodeView, TargetView
from sandbox.cloud.faults import FAILING_CHECKS, SLOW_BALANCERS
from sandbox.errors import SandboxError
from sandbox.tests.cloud.balancer.api_servers import ApiServer, Client, client, eventually, who_serves
from sandbox.tests.cloud.balancer.region import Region
from sandbox.tests.cloud.balancer.views import BALANCER, CHECK, GROUP, TARGET_GROUP

HERE = "here"
ZONE = "eu-central-1a"
NODE, FIRST, SECOND = "127.20.0.4", "127.20.0.10", "127.20.0.11"
PORT = 16443
LATE_SECONDS = 20


def _cannot_run() -> str:
    """Why haproxy cannot run here; empty where it can."""
    if os.geteuid():
        return "haproxy becomes another user, and is in a network namespace: that needs root"
    try:
        program.find()
    except SandboxError as problem:
        return str(problem)
    return ""


pytestmark = [pytest.mark.slow, pytest.mark.drill, pytest.mark.skipif(bool(_cannot_run()), reason=_cannot_run())]


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path / "ca")


@pytest.fixture
def region(authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Region]:
    # This host's own network, in which all addresses that begin with 127 are there.
    monkeypatch.setattr(namespace, "path_of", lambda _: Path("/proc/self/ns/net"))
    monkeypatch.setattr(balancers, "run", lambda *_: "")
    monkeypatch.setattr(findings, "SLOW_CHANGE_SECONDS", LATE_SECONDS)
    monkeypatch.setattr(findings, "SLOW_REGISTRATION_SECONDS", LATE_SECONDS)
    balancer = replace(BALANCER, nodes=(NodeView(ZONE, NODE),), listeners=(ListenerView(PORT, 350, GROUP),))
    group = replace(
        TARGET_GROUP,
        check=replace(CHECK, port=None),
        targets=tuple(TargetView(address, 6443, ZONE) for address in (FIRST, SECOND)),
    )
    # Names of sockets are short; pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="lb-") as folder:
        made = Region(HERE, Path(folder), {a: ApiServer(HERE, a, authority) for a in (FIRST, SECOND)}, balancer, group)
        made.follow()
        made.wait("healthy", "healthy")
        yield made
        if made.balancers:
            made.balancers.stop()
        end_processes(made.folder)
    for server in made.servers.values():
        server.stop()


def serving() -> set[str]:
    return who_serves(HERE, NODE, PORT)


def leads_to(address: str) -> bool:
    """Whether a new connection still does."""
    return any(who_serves(HERE, NODE, PORT, times=1) == {address} for _ in range(12))


def receivers(region: Region) -> set[str]:
    """Who gets new connections, as haproxy says."""
    process = BalancerProcess(region.folder / region.balancer.id, HERE, program.find())
    servers = (process.states() or {}).get(f"b-{NODE}-{PORT}-{region.group.id}", {})
    return {name for name, state in servers.items() if state.is_open}


def fell(region: Region) -> float:
    """The first stops being ready; when that is shown."""
    region.servers[FIRST].status = 500
    eventually(lambda: region.states()[FIRST].startswith("unhealthy"), f"unhealthy, said {region.said}")
    return time.monotonic()


@contextmanager
def connected_to(address: str) -> Iterator[Client]:
    """A client that has this target; it takes those that it gets until then."""
    with ExitStack() as others:
        while True:
            opened = others.enter_context(client(HERE, NODE, PORT))
            if opened.served_by() == address:
                yield opened
                return


@pytest.mark.parametrize("draining", [0, 20, None])
def test_connections_of_an_unhealthy_target_end_at_once_or_after_the_interval_or_never(
    region: Region, draining: int | None
) -> None:
    region.follow(group=replace(region.group, unhealthy_draining=draining))
    with connected_to(FIRST) as opened:
        shown = fell(region)
        if draining != 0:
            assert opened.served_by() == FIRST
            assert region.states()[FIRST] == ("unhealthy.draining" if draining else "unhealthy")
        if draining is not None:
            eventually(opened.is_cut, "the connection is cut")
            assert time.monotonic() - shown >= draining - 1
            eventually(lambda: region.states()[FIRST] == "unhealthy", "drained")
        eventually(lambda: serving() == {SECOND}, "new connections go elsewhere")
        assert draining is not None or opened.served_by() == FIRST


def test_a_changed_attribute_holds_for_connections_that_are_there(region: Region) -> None:
    region.follow(group=replace(region.group, unhealthy_draining=None))
    before = processes(region.folder)
    with connected_to(FIRST) as opened:
        fell(region)
        assert opened.served_by() == FIRST
        region.follow(group=replace(region.group, unhealthy_draining=0))
        eventually(opened.is_cut, "the connection is cut")
    assert processes(region.folder) == before, "no other worker: it would count checks again"


def test_a_changed_health_check_takes_effect(region: Region) -> None:
    region.servers[FIRST].status = 500
    region.wait("unhealthy", "healthy")
    region.follow(group=replace(region.group, check=replace(region.group.check, protocol="TCP")))
    region.wait("healthy", "healthy")
    assert serving() == {FIRST, SECOND}


def test_slow_a_change_of_health_is_followed_later_than_it_is_shown_both_ways(region: Region) -> None:
    region.faults.add(SLOW_BALANCERS)
    with connected_to(FIRST) as opened:
        shown = fell(region)
        # The connection ends at once, and the client may be led to the same target again.
        eventually(opened.is_cut, "the connection is cut")
        assert leads_to(FIRST)
        eventually(lambda: serving() == {SECOND}, "new connections go elsewhere")
        assert time.monotonic() - shown >= LATE_SECONDS
    region.servers[FIRST].status = 200
    region.wait("healthy", "healthy")
    shown = time.monotonic()
    assert serving() == {SECOND}
    eventually(lambda: serving() == {FIRST, SECOND}, "it is used again")
    assert time.monotonic() - shown >= LATE_SECONDS


@pytest.mark.parametrize("lost", ["supervisor", "haproxy"])
def test_slow_a_change_that_is_on_its_way_survives(region: Region, lost: str) -> None:
    region.faults.add(SLOW_BALANCERS)
    shown = fell(region)
    # Well again before it is followed: it is followed all the same, and later.
    region.servers[FIRST].status = 200
    if lost == "supervisor":
        assert region.balancers
        region.balancers.stop()
        region.start()
        region.follow()
    else:
        before = processes(region.folder)
        os.kill(max(before), signal.SIGKILL)
        eventually(lambda: processes(region.folder) and not {*before} & {*processes(region.folder)}, "another process")
    region.wait("healthy", "healthy")
    assert receivers(region) == {FIRST, SECOND}
    assert time.monotonic() - shown < LATE_SECONDS, "this host is too slow for this test"
    eventually(lambda: receivers(region) == {SECOND}, "new connections go elsewhere")
    assert time.monotonic() - shown >= LATE_SECONDS
    eventually(lambda: receivers(region) == {FIRST, SECOND}, "it is used again")


def test_slow_a_target_gets_connections_long_after_its_registration(region: Region) -> None:
    first, second = region.group.targets
    region.follow(group=replace(region.group, targets=(second,)))
    eventually(lambda: serving() == {SECOND}, "the first has left")
    region.faults.add(SLOW_BALANCERS)
    registered = time.time()
    again = replace(first, registered_at=registered)
    region.follow(group=replace(region.group, targets=(again, second)))
    time.sleep(2)
    assert FIRST not in region.states(), "the account says itself that it is being registered"
    assert serving() == {SECOND}
    eventually(lambda: serving() == {FIRST, SECOND}, "it is used")
    assert time.time() - registered >= LATE_SECONDS
    assert region.states()[FIRST] == "healthy"


def test_while_all_checks_fail_everything_is_sent_to_all(region: Region) -> None:
    with connected_to(FIRST) as opened:
        region.faults.add(FAILING_CHECKS)
        region.wait("unhealthy", "unhealthy")
        assert serving() == {FIRST, SECOND}
        assert opened.served_by() == FIRST, "of a load balancer that fails open no connection is cut"
    region.faults.clear()
    region.wait("healthy", "healthy")


def test_a_target_that_speaks_tls_1_3_only_fails_its_checks(region: Region, tmp_path: Path) -> None:
    address = "127.20.0.12"
    # Servers with certificates of one authority share what they speak.
    modern = ApiServer(HERE, address, CertificateAuthority(tmp_path / "modern"), ssl.TLSVersion.TLSv1_3)
    region.follow(group=replace(region.group, targets=(*region.group.targets, TargetView(address, 6443, ZONE))))
    eventually(lambda: region.states().get(address) == "unhealthy", "unhealthy")
    assert serving() == {FIRST, SECOND}
    modern.stop()
