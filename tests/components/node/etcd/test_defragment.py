"""What is defragmented, when and in which order, with members that speak the gateway."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from components.node.common import environment
from components.node.common.failure import Failure
from components.node.etcd.all_members import Members, members
from components.node.etcd.client import Alarm, EtcdClient, Status
from components.node.etcd.cluster_lock import CONTROL_PLANE_LOCK, ETCD_LOCK
from components.node.etcd.defragment import defragment_where_it_pays, make_room, pays
from tests.components.node.etcd.gateway import Authority, Cluster, serving

MIB = 1024**2
_DEFRAGMENT = "v3/maintenance/defragment"


@pytest.fixture
def found(cluster: Cluster, authority: Authority, addresses: tuple[str, ...]) -> Iterator[Members]:
    """Three members, each with 300 MiB of which it uses 100; the first leads."""
    cluster.sizes = dict.fromkeys(addresses, (300 * MIB, 100 * MIB))
    cluster.leader = addresses[0]
    with ExitStack() as stack:
        endpoints = [stack.enter_context(serving(cluster, authority, address)) for address in addresses]
        yield Members(EtcdClient(authority.trust, endpoints), ETCD_LOCK, "etcd-0")


@pytest.mark.parametrize(
    ("size", "used", "expected"),
    [(300, 100, True), (300, 200, False), (99, 1, False), (100, 55, True), (2048, 2000, False)],
)
def test_it_pays_where_the_file_is_large_and_much_of_it_unused(size: int, used: int, expected: bool) -> None:
    assert pays(Status(1, 1, size * MIB, used * MIB, 5, 0)) is expected


def test_members_are_defragmented_below_the_lock_and_the_leader_last(
    found: Members, cluster: Cluster, addresses: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    defragment_where_it_pays(found)
    assert cluster.asked(_DEFRAGMENT) == [addresses[1], addresses[2], addresses[0]]
    order = [path for _, path in cluster.calls]
    assert order.index("v3/kv/txn") < order.index(_DEFRAGMENT)
    assert cluster.keys == {}, "the lock is free again"
    between = order[order.index(_DEFRAGMENT) + 1 :]
    assert "health" in between[: between.index(_DEFRAGMENT)], "all are asked before the next one pauses"
    told = re.findall(r"(\S+):2379 is defragmented: 200 MiB of 300 MiB are free again", capsys.readouterr().out)
    assert told == [f"https://{address}" for address in (*addresses[1:], addresses[0])]


def test_only_members_where_it_pays_are_paused(found: Members, cluster: Cluster, addresses: tuple[str, ...]) -> None:
    cluster.sizes[addresses[1]] = (110 * MIB, 100 * MIB)
    defragment_where_it_pays(found)
    assert cluster.asked(_DEFRAGMENT) == [addresses[2], addresses[0]]


def test_nothing_is_locked_nor_told_where_nothing_is_to_be_gained(
    found: Members, cluster: Cluster, addresses: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.sizes = dict.fromkeys(addresses, (110 * MIB, 100 * MIB))
    defragment_where_it_pays(found)
    assert cluster.asked("v3/lease/grant") == cluster.asked(_DEFRAGMENT) == []
    assert capsys.readouterr().out == ""


def test_a_quota_that_is_nearly_used_up_is_told(
    found: Members, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.quota = 120 * MIB
    defragment_where_it_pays(found)
    assert "uses 100 MiB of its quota of 120 MiB: raise etcd.quotaMib" in capsys.readouterr().out


def test_nothing_is_defragmented_while_a_member_is_missing_or_an_alarm_is_raised(
    found: Members, cluster: Cluster
) -> None:
    cluster.healthy = False
    with pytest.raises(Failure, match=r"nothing was defragmented, as not all members are healthy: .*RAFT NO LEADER"):
        defragment_where_it_pays(found)
    cluster.healthy, cluster.alarms = True, ["NOSPACE"]
    with pytest.raises(Alarm):
        defragment_where_it_pays(found)
    assert cluster.asked(_DEFRAGMENT) == []


def test_room_is_made_without_a_lock_by_compaction_defragmentation_and_the_end_of_the_alarm(
    found: Members, cluster: Cluster, addresses: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.alarms = ["NOSPACE"]
    make_room(found)
    assert cluster.compacted == cluster.revision
    assert cluster.asked(_DEFRAGMENT) == [addresses[1], addresses[2], addresses[0]]
    assert cluster.alarms == []
    assert cluster.asked("v3/lease/grant") == [], "etcd would refuse it"
    assert "etcd takes changes again: it uses 100 MiB of its quota of 2048 MiB" in capsys.readouterr().out
    # A run that was cut off is done once more.
    make_room(found)


def test_room_is_not_made_while_a_member_is_missing_nor_over_data_that_differ(found: Members, cluster: Cluster) -> None:
    cluster.alarms, cluster.healthy = ["NOSPACE"], False
    with pytest.raises(Failure, match="Bring these back first"):
        make_room(found)
    cluster.alarms, cluster.healthy = ["CORRUPT"], True
    with pytest.raises(Alarm, match="alarm CORRUPT"):
        make_room(found)
    assert cluster.compacted == 0
    assert cluster.asked(_DEFRAGMENT) == []


def test_the_members_and_their_lock_follow_from_the_machines_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "ETC", tmp_path)
    own = "MACHINE_NAME=one\nNODE_ADDRESS=10.0.0.1\n"
    etcd = f"ROLE=etcd\nETCD_VERSION=3.6.14\nETCD_VOLUME_ID=vol-1\nPEER_ADDRESSES='10.0.0.2 10.0.0.3'\n{own}"
    (tmp_path / "node.env").write_text(etcd)
    found = members()
    assert (len(found.client.endpoints), found.lock, found.machine) == (3, ETCD_LOCK, "one")
    (tmp_path / "node.env").write_text(f"ROLE=control-plane\nCONTROL_PLANE_ADDRESSES=10.0.0.2\n{own}")
    (tmp_path / "kubeadm.yaml").write_text("kind: ClusterConfiguration\netcd: {local: {dataDir: /d}}\n")
    assert (len(members().client.endpoints), members().lock) == (2, CONTROL_PLANE_LOCK)
