"""The one client of etcd, against members that speak the gateway over TLS."""

from __future__ import annotations

import hashlib
import socket
from contextlib import ExitStack

import pytest

from components.node.common.failure import Failure
from components.node.common.https import Trust
from components.node.etcd.client import Alarm, EtcdClient, KeyValue, Member, Refusal, client_url, peer_url
from tests.components.node.etcd.gateway import Authority, Cluster, serving

FOUNDER = {
    "ID": "16463985718284823551",
    "name": "etcd-0",
    "peerURLs": ["https://10.0.0.10:2380"],
    "clientURLs": ["https://10.0.0.10:2379"],
}


def test_members_come_with_their_types_and_what_the_gateway_leaves_out(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    cluster.members = [FOUNDER, {"ID": "7", "peerURLs": ["https://10.0.0.11:2380"], "isLearner": True}]
    with serving(cluster, authority, addresses[0], 0) as endpoint:
        founder, learner = EtcdClient(authority.trust, [endpoint]).members()
    assert founder == Member(
        16463985718284823551, "etcd-0", ("https://10.0.0.10:2380",), ("https://10.0.0.10:2379",), False
    )
    assert str(founder) == "e47bd3c7e578abff", "as etcdctl writes it"
    assert learner == Member(7, "", ("https://10.0.0.11:2380",), (), True)


def test_members_are_known_without_a_quorum_unless_the_answer_must_be_the_clusters(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    cluster.members, cluster.healthy = [FOUNDER], False
    with serving(cluster, authority, addresses[0], 0) as endpoint:
        client = EtcdClient(authority.trust, [endpoint])
        assert [member.name for member in client.members()] == ["etcd-0"]
        with pytest.raises(Failure, match="503: etcdserver: request timed out"):
            client.members(linearizable=True)


def test_a_member_that_is_down_or_cannot_serve_is_passed_over_and_the_one_that_answered_is_asked_first(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    cluster.members = [FOUNDER]
    learner = Cluster(refusals=[("v3/cluster/member/list", 503, "etcdserver: rpc not supported for learner")])
    with ExitStack() as stack:
        down = f"https://{addresses[0]}:{_unused_port()}"
        second = stack.enter_context(serving(learner, authority, addresses[1], 0))
        third = stack.enter_context(serving(cluster, authority, addresses[2], 0))
        client = EtcdClient(authority.trust, [down, second, third])
        assert client.members()
        assert client.members()
    assert learner.asked("v3/cluster/member/list") == [addresses[1]], "asked once, before the third answered"
    assert len(cluster.calls) == 2


def test_the_failure_says_what_each_endpoint_said(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    cluster.refusals = [("v3/cluster/member/list", 503, "etcdserver: no leader")]
    down = f"https://{addresses[0]}:{_unused_port()}"
    with serving(cluster, authority, addresses[1], 0) as endpoint, pytest.raises(Failure) as caught:
        EtcdClient(authority.trust, [down, endpoint]).members()
    assert f"{down}/v3/cluster/member/list does not answer: [Errno 111] Connection refused" in str(caught.value)
    assert f"{endpoint}/v3/cluster/member/list answered 503: etcdserver: no leader" in str(caught.value)
    with pytest.raises(Failure, match="no etcd member to ask"):
        EtcdClient(authority.trust, []).members()


def test_what_etcd_refuses_is_not_asked_of_another_member(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    other = Cluster()
    with (
        serving(cluster, authority, addresses[0], 0) as first,
        serving(other, authority, addresses[1], 0) as second,
        pytest.raises(Refusal, match="404: etcdserver: member not found") as caught,
    ):
        EtcdClient(authority.trust, [first, second]).remove(Member(9, "", (), (), False))
    assert caught.value.status == 404
    assert other.calls == []


def test_a_member_enters_as_a_learner_gets_its_vote_and_is_removed(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    with serving(cluster, authority, addresses[0], 0) as endpoint:
        client = EtcdClient(authority.trust, [endpoint])
        client.add_learner("10.0.0.12")
        (learner,) = client.members()
        assert learner.is_learner
        assert learner.peer_urls == (peer_url("10.0.0.12"),)
        client.promote(learner)
        assert not client.members()[0].is_learner
        client.remove(learner)
        assert client.members() == ()


def test_health_is_that_of_each_endpoint_and_comes_with_the_reason(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    ill = Cluster(healthy=False)
    with serving(cluster, authority, addresses[0], 0) as first, serving(ill, authority, addresses[1], 0) as second:
        client = EtcdClient(authority.trust, [first, second])
        client.check_health(first)
        with pytest.raises(Failure, match="RAFT NO LEADER"):
            client.check_health(second)
        assert list(client.unhealthy()) == [second]
        assert "RAFT NO LEADER" in client.unhealthy()[second]


def test_an_alarm_is_told_by_name_unless_it_is_the_one_that_is_ignored(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    cluster.alarms = ["NOSPACE"]
    with serving(cluster, authority, addresses[0], 0) as endpoint:
        client = EtcdClient(authority.trust, [f"https://{addresses[1]}:{_unused_port()}", endpoint])
        with pytest.raises(Alarm, match=r"alarm NOSPACE .*defragment-etcd --disarm.*docs/operate\.md"):
            client.unhealthy()
        assert len(client.unhealthy(despite="NOSPACE")) == 1, "the one that is down"
        cluster.alarms = ["CORRUPT"]
        with pytest.raises(Alarm, match="alarm CORRUPT"):
            client.unhealthy(despite="NOSPACE")
        cluster.alarms = ["NOSPACE", "CORRUPT"]
        client.disarm("NOSPACE")
        assert cluster.alarms == ["CORRUPT"]


def test_a_lease_lives_as_long_as_it_is_kept_alive(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    with serving(cluster, authority, addresses[0], 0) as endpoint:
        client = EtcdClient(authority.trust, [endpoint])
        lease = client.grant_lease(60)
        assert client.keep_lease_alive(lease)
        client.revoke_lease(lease)
        assert not client.keep_lease_alive(lease)
        with pytest.raises(Refusal):
            client.revoke_lease(lease)


def test_a_key_is_created_once_and_then_left_as_it_is(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    with serving(cluster, authority, addresses[0], 0) as endpoint:
        client = EtcdClient(authority.trust, [endpoint])
        first, second = client.grant_lease(60), client.grant_lease(60)
        assert client.create_key("a", "of the first", first) == KeyValue("of the first", first)
        assert client.create_key("a", "of the second", second) == KeyValue("of the first", first)


def test_members_of_another_authority_are_not_believed(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Authority(tmp_path_factory.mktemp("other") / "pki").make(addresses[0])
    trust = Trust(other.folder / "ca.crt", authority.trust.certificate, authority.trust.key)
    with (
        serving(cluster, authority, addresses[0], 0) as endpoint,
        pytest.raises(Failure, match="certificate verify failed"),
    ):
        EtcdClient(trust, [endpoint]).members()
    assert cluster.calls == []


def test_a_snapshot_comes_in_pieces_and_its_checksum_last(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    cluster.database = bytes(range(256)) * 1000
    with serving(cluster, authority, addresses[0], 0) as endpoint:
        *pieces, checksum = EtcdClient(authority.trust, [endpoint]).snapshot(endpoint)
    assert len(pieces) == cluster.pieces
    assert b"".join(pieces) == cluster.database
    assert checksum == hashlib.sha256(cluster.database).digest()


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([b'{"result": {"remaining_bytes": "9", "blob": "YQ=="}}\n'], "broke off: 9 bytes are missing"),
        ([b'{"result": {"remaining_bytes": "9"'], "broke off within a line"),
        ([b'{"error": {"code": 2, "message": "the disk"}}\n'], "broke off: the disk"),
        ([b"<html>\n"], "sent something else than JSON: b'<html>'"),
        ([], "broke off: nothing came"),
    ],
)
def test_a_snapshot_that_breaks_off_is_told_in_etcds_words(
    messages: list[bytes],
    told: str,
    cluster: Cluster,
    authority: Authority,
    addresses: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "snapshot", lambda: iter(messages))
    with serving(cluster, authority, addresses[0], 0) as endpoint, pytest.raises(Failure, match=told):
        list(EtcdClient(authority.trust, [endpoint]).snapshot(endpoint))


def test_a_snapshot_that_is_refused_or_of_a_member_that_is_gone_is_told(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    cluster.refusals = [("v3/maintenance/snapshot", 503, "etcdserver: not now")]
    with serving(cluster, authority, addresses[0], 0) as endpoint, pytest.raises(Failure, match=r"503: .*not now"):
        list(EtcdClient(authority.trust, [endpoint]).snapshot(endpoint))
    with pytest.raises(Failure, match=r"broke off: .*refused"):
        list(EtcdClient(authority.trust, [endpoint]).snapshot(endpoint))


def test_keys_are_written_read_and_listed_page_by_page(
    cluster: Cluster, authority: Authority, addresses: tuple[str, ...]
) -> None:
    with serving(cluster, authority, addresses[0], 0) as endpoint:
        client = EtcdClient(authority.trust, [endpoint])
        assert client.get_key("/a/1") is None
        for n in range(5):
            client.put_key(f"/a/{n}", f"value {n}")
        client.put_key("/ab", "beside")
        assert client.get_key("/a/1") == b"value 1"
        asked = len(cluster.asked("v3/kv/range"))
        assert list(client.values_below("/a/", page=2)) == [f"value {n}".encode() for n in range(5)]
        assert len(cluster.asked("v3/kv/range")) - asked == 3
        assert list(client.values_below("/none/")) == []


def test_endpoints_are_those_of_etcds_own_ports() -> None:
    assert client_url("10.0.0.10") == "https://10.0.0.10:2379"
    assert peer_url("10.0.0.10") == "https://10.0.0.10:2380"


def _unused_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
    return port
