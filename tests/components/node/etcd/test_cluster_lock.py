"""The one lock over machines: one holder, who is known, who loses it by dying, and who notices that it is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from components.node.common.failure import Failure
from components.node.common.waiting import NotYet, wait_until
from components.node.etcd.client import Alarm, EtcdClient
from components.node.etcd.cluster_lock import HeldLock, cluster_lock
from tests.components.node.etcd.gateway import Authority, Cluster, decoded, serving

SOON = 0.02


@pytest.fixture
def client(cluster: Cluster, authority: Authority, addresses: tuple[str, ...]) -> Iterator[EtcdClient]:
    with serving(cluster, authority, addresses[0], 0) as endpoint:
        yield EtcdClient(authority.trust, [endpoint])


def holders(cluster: Cluster) -> list[str]:
    return [decoded(value).split(" since ")[0] for value, _ in cluster.keys.values()]


def test_the_lock_is_held_in_the_block_and_leaves_nothing_behind(client: EtcdClient, cluster: Cluster) -> None:
    with cluster_lock(client, "configuration", "cp-0", 5) as lock:
        lock.check()
        assert holders(cluster) == ["cp-0"]
        assert [decoded(key) for key in cluster.keys] == ["quorate/lock/configuration"]
    assert cluster.keys == {}
    assert cluster.leases == {}


def test_it_is_released_when_the_block_fails(client: EtcdClient, cluster: Cluster) -> None:
    with pytest.raises(Failure, match="broken"), cluster_lock(client, "configuration", "cp-0", 5):
        raise Failure("broken")
    assert cluster.leases == {}


def test_locks_of_other_names_do_not_wait_for_each_other(client: EtcdClient) -> None:
    with cluster_lock(client, "one", "cp-0", 5), cluster_lock(client, "two", "cp-1", 0):
        pass


def test_one_machine_after_the_other_has_it(client: EtcdClient) -> None:
    inside: list[str] = []
    most = 0
    failures: list[Failure] = []

    def work(machine: str) -> None:
        nonlocal most
        try:
            with cluster_lock(client, "configuration", machine, 20, every=SOON):
                inside.append(machine)
                most = max(most, len(inside))
                time.sleep(0.05)
                inside.remove(machine)
        except Failure as failure:
            failures.append(failure)

    machines = [threading.Thread(target=work, args=(f"cp-{n}",)) for n in range(3)]
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.join()
    assert failures == []
    assert most == 1


def test_whoever_waits_reports_the_holder_once_and_fails_with_its_name(
    client: EtcdClient, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        cluster_lock(client, "configuration", "cp-0", 5),
        pytest.raises(Failure, match=r"waited 0s for the lock configuration.* held by cp-0 since \d\d:\d\d:\d\d UTC"),
        cluster_lock(client, "configuration", "cp-1", 0.2, every=SOON),
    ):
        pytest.fail("two had it")
    assert capsys.readouterr().out.count("waiting for the lock configuration, held by cp-0 since") == 1
    assert cluster.leases == {}, "the one that waited took its lease along"


def test_a_holder_that_died_loses_it_when_its_lease_ends(client: EtcdClient, cluster: Cluster) -> None:
    lease = client.grant_lease(1)
    client.create_key("quorate/lock/configuration", "cp-0 since then", lease)
    with cluster_lock(client, "configuration", "cp-1", 10, every=SOON):
        assert holders(cluster) == ["cp-1"]


def test_a_holder_that_lives_keeps_it_for_longer_than_its_lease(client: EtcdClient, cluster: Cluster) -> None:
    with cluster_lock(client, "configuration", "cp-0", 5, lease_seconds=1) as lock:
        time.sleep(1.5)
        lock.check()
        assert holders(cluster) == ["cp-0"]


def test_it_outlives_the_member_that_answered_so_far(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    with ExitStack() as restarting, serving(cluster, authority, addresses[1], 0) as second:
        first = restarting.enter_context(serving(cluster, authority, addresses[0], 0))
        client = EtcdClient(authority.trust, [first, second], seconds=1)
        with cluster_lock(client, "configuration", "cp-0", 5, lease_seconds=1) as lock:
            restarting.close()
            time.sleep(1.5)
            lock.check()
    assert addresses[1] in cluster.asked("v3/lease/keepalive")
    assert cluster.leases == {}


def test_a_lease_that_etcd_has_ended_is_noticed(client: EtcdClient, cluster: Cluster) -> None:
    with cluster_lock(client, "configuration", "cp-0", 5, lease_seconds=1) as lock:
        with cluster.mutex:
            cluster.leases.clear()
            cluster.keys.clear()
        _wait_until_lost(lock)
        with pytest.raises(Failure, match=r"has lost the lock configuration.*run pulumi up again"):
            lock.check()


def test_a_holder_whom_etcd_does_not_answer_gives_it_up_by_the_clock(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        endpoint = stack.enter_context(serving(cluster, authority, addresses[0], 0))
        client = EtcdClient(authority.trust, [endpoint], seconds=1)
        with cluster_lock(client, "configuration", "cp-0", 5, lease_seconds=1) as lock:
            stack.close()
            started = time.monotonic()
            _wait_until_lost(lock)
            assert time.monotonic() - started <= 1.5
    assert "the lock configuration stays for up to 1s" in capsys.readouterr().out


def test_a_lease_that_etcd_still_has_when_it_is_back_was_never_lost(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    with ExitStack() as stack:
        endpoint = stack.enter_context(serving(cluster, authority, addresses[0], 0))
        client = EtcdClient(authority.trust, [endpoint], seconds=1)
        with cluster_lock(client, "configuration", "cp-0", 5, lease_seconds=1) as lock:
            # A leader counts from its election.
            cluster.leases[lock.lease].renewed += 100
            stack.close()
            _wait_until_lost(lock)
            with pytest.raises(Failure, match="has lost the lock"):
                lock.check()
            with serving(cluster, authority, addresses[0], int(endpoint.rpartition(":")[2])):
                lock.check()


def test_an_answer_lost_on_its_way_leaves_no_machine_waiting_for_itself(client: EtcdClient, cluster: Cluster) -> None:
    cluster.lost_answers = ["v3/kv/txn"]
    with cluster_lock(client, "configuration", "cp-0", 5, every=SOON) as lock:
        lock.check()
    assert len(cluster.asked("v3/kv/txn")) == 2


def test_one_that_waits_gets_another_lease_when_its_own_has_ended(client: EtcdClient, cluster: Cluster) -> None:
    taken = threading.Event()

    def wait() -> None:
        with cluster_lock(client, "configuration", "cp-1", 20, lease_seconds=1, every=SOON):
            taken.set()

    with cluster_lock(client, "configuration", "cp-0", 5) as first:
        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        ended = wait_until(5, "the second to wait", lambda: _second_lease(cluster, first.lease), every=SOON)
        with cluster.mutex:
            del cluster.leases[ended]
        wait_until(5, "the second to have another lease", lambda: _second_lease(cluster, first.lease), every=SOON)
    waiting.join(20)
    assert taken.is_set()
    assert cluster.leases == {}


def test_a_cluster_without_a_quorum_gives_no_lock_and_the_reason(client: EtcdClient, cluster: Cluster) -> None:
    cluster.refusals = [("v3/lease/grant", 503, "etcdserver: no leader")] * 1000
    with (
        pytest.raises(Failure, match=r"the lock configuration; the last answer was: .*etcdserver: no leader"),
        cluster_lock(client, "configuration", "cp-0", 0.1, every=SOON),
    ):
        pytest.fail("there is none")


@pytest.mark.parametrize("holds_a_lease", [False, True])
def test_an_alarm_ends_the_wait_at_once_as_etcd_takes_no_keys_then(
    holds_a_lease: bool, client: EtcdClient, cluster: Cluster
) -> None:
    def raise_alarm() -> None:
        wait_until(30, "the second to wait", lambda: _second_lease(cluster, first), every=SOON)
        cluster.alarms = ["NOSPACE"]

    first = client.grant_lease(600)
    client.create_key("quorate/lock/configuration", "cp-0 since then", first)
    raising = threading.Thread(target=raise_alarm if holds_a_lease else lambda: None, daemon=True)
    raising.start()
    cluster.alarms = [] if holds_a_lease else ["NOSPACE"]
    with (
        pytest.raises(Alarm, match="alarm NOSPACE"),
        cluster_lock(client, "configuration", "cp-1", 600, every=SOON),
    ):
        pytest.fail("nobody gets it")
    raising.join()
    assert set(cluster.leases) == {first}


def _second_lease(cluster: Cluster, first: int) -> int:
    with cluster.mutex:
        others = [lease for lease in cluster.leases if lease != first]
    if not others:
        raise NotYet("there is one lease")
    return others[0]


def _wait_until_lost(lock: HeldLock) -> None:
    def lost() -> None:
        if not lock.is_lost():
            raise NotYet("it is held")

    wait_until(5, "the lock to be lost", lost, every=SOON)
