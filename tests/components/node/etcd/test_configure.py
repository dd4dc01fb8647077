"""How a member enters, restarts and gets its vote, with members that speak the gateway and programs that stand in."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from components.node.common.failure import Failure
from components.node.common.waiting import NotYet
from components.node.etcd.client import Alarm, client_url, peer_url
from components.node.etcd.cluster_mark import check_mark, is_marked, mark_path, write_mark
from components.node.etcd.configure import apply_arguments, configure, enter, get_vote
from components.node.etcd.control_plane_access import etcd_of_control_plane, external_endpoints
from components.node.etcd.this_member import ThisMember
from tests.components.node.etcd.gateway import Authority, Body, Cluster, serving

_SYSTEMCTL = """\
#!/bin/sh
echo "$*" >>"$MACHINE/calls"
case "$*" in is-active*) cat "$MACHINE/state"; grep -q '^active' "$MACHINE/state" ;; esac
"""


@pytest.fixture
def member(
    tmp_path: Path, authority: Authority, addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> ThisMember:
    """On a blank disk, beside two others."""
    for name in ("bin", "etc", "disk"):
        (tmp_path / name).mkdir()
    systemctl = tmp_path / "bin/systemctl"
    systemctl.write_text(_SYSTEMCTL)
    systemctl.chmod(0o755)
    install = tmp_path / "bin/install"
    install.write_text('#!/bin/sh\nfor last; do :; done\nmkdir -p "$last"\n')
    install.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=os.pathsep)
    monkeypatch.setenv("MACHINE", str(tmp_path))
    own, *others = addresses
    planned = ",".join(f"NAME-{address}={peer_url(address)}" for address in (*addresses, "127.9.9.9"))
    (tmp_path / "etc" / "etcd.env").write_text(f"ETCD_INITIAL_CLUSTER={planned}\n")
    return ThisMember(
        "etcd-0", own, others, "3.6.14", "vol-1", tmp_path / "etc", authority.folder, tmp_path / "disk", 0
    )


@pytest.fixture
def others(member: ThisMember, cluster: Cluster, authority: Authority) -> Iterator[Cluster]:
    with ExitStack() as stack:
        for address in member.peers:
            cluster.members.append(known(address, 1))
            stack.enter_context(serving(cluster, authority, address))
        yield cluster


def known(address: str, number: int, **properties: object) -> Body:
    return {
        "ID": f"{number}{address.replace('.', '')}",
        "peerURLs": [peer_url(address)],
        "clientURLs": [client_url(address)],
        **properties,
    }


def initial_state(member: ThisMember) -> str:
    """The line with etcd's initial state; beside `existing`, the members that there are, as etcd compares them."""
    state, *rest = (member.etc / "etcd-membership.env").read_text().splitlines(keepends=True)
    urls = [f"NAME-{address}=https://{address}:2380" for address in (*member.peers, member.address)]
    assert rest == ([f"ETCD_INITIAL_CLUSTER={','.join(urls)}\n"] if "existing" in state else [])
    return state


def calls(member: ThisMember) -> list[str]:
    path = member.etc.parent / "calls"
    return path.read_text().splitlines() if path.exists() else []


def test_beside_others_that_do_not_answer_it_founds_the_cluster(member: ThisMember) -> None:
    enter(member)
    assert initial_state(member) == "ETCD_INITIAL_CLUSTER_STATE=new\n"


def test_one_with_its_data_that_the_others_know_enters_as_before(member: ThisMember, others: Cluster) -> None:
    (member.data / "member").mkdir(parents=True)
    others.members.append(known(member.address, 3))
    enter(member)
    assert {path for _, path in others.calls} == {"v3/cluster/member/list"}
    assert not (member.etc / "etcd-membership.env").exists()


def test_one_with_its_data_enters_as_before_while_the_others_have_no_quorum(
    member: ThisMember, others: Cluster
) -> None:
    (member.data / "member").mkdir(parents=True)
    others.healthy = False
    enter(member)
    assert (member.data / "member").is_dir()
    assert not (member.etc / "etcd-membership.env").exists()


def test_one_that_was_removed_by_hand_keeps_its_data_aside_and_enters_without_a_vote(
    member: ThisMember, others: Cluster
) -> None:
    (member.data / "member").mkdir(parents=True)
    (member.data / "member" / "precious").write_text("data")
    enter(member)
    (aside,) = member.disk.glob("data.set-aside-*")
    assert (aside / "member" / "precious").read_text() == "data"
    assert not (member.data / "member").exists()
    assert "stop etcd" in calls(member)
    assert others.members[-1]["isLearner"]
    assert initial_state(member) == "ETCD_INITIAL_CLUSTER_STATE=existing\n"


def test_one_that_was_removed_by_hand_keeps_its_data_in_place_while_another_is_missing(
    member: ThisMember, cluster: Cluster, authority: Authority
) -> None:
    (member.data / "member").mkdir(parents=True)
    cluster.members = [known(address, 1) for address in member.peers]
    with serving(cluster, authority, member.peers[0]), pytest.raises(Failure) as caught:
        enter(member)
    for part in ("have removed this one", "only 1 of 2 others are healthy", "Nothing was changed"):
        assert part in str(caught.value)
    assert (member.data / "member").is_dir()
    assert len(cluster.members) == 2


@pytest.mark.parametrize("alarm", ["NOSPACE", "CORRUPT"])
def test_an_alarm_is_no_lost_quorum_so_nothing_restarts_and_it_is_told_at_once(
    member: ThisMember, others: Cluster, authority: Authority, alarm: str
) -> None:
    (member.etc.parent / "state").write_text("active\n")
    others.alarms = [alarm]
    with serving(others, authority, member.address), pytest.raises(Alarm, match=f"alarm {alarm}.*docs/operate.md"):
        apply_arguments(dataclasses.replace(member, election_seconds=30), "A=2\n")
    assert calls(member) == ["is-active etcd"]


def test_an_election_while_arguments_change_is_waited_for(
    member: ThisMember, others: Cluster, authority: Authority
) -> None:
    (member.etc.parent / "state").write_text("active\n")
    others.refusals = [("health", 503, "RAFT NO LEADER")]
    with serving(others, authority, member.address):
        apply_arguments(dataclasses.replace(member, election_seconds=30), "A=2\n")
    assert calls(member)[1:] == ["restart etcd"]
    assert others.asked("v3/kv/txn") != []


def test_the_step_tells_an_alarm_and_leaves_the_member_as_it_is(
    member: ThisMember, others: Cluster, authority: Authority
) -> None:
    (member.etc / "etcd.env").write_text("A=1\n")
    (member.etc / "applied-etcd.env").write_text("A=1\n")
    (member.etc.parent / "state").write_text("active\n")
    (member.data / "member").mkdir(parents=True)
    others.members.append(known(member.address, 3))
    others.alarms = ["NOSPACE"]
    with serving(others, authority, member.address), pytest.raises(Alarm, match="defragment-etcd --disarm"):
        configure(member)
    assert not [call for call in calls(member) if "start" in call.replace("restart", "start")]


def test_one_that_was_removed_is_added_without_a_vote(member: ThisMember, others: Cluster) -> None:
    enter(member)
    assert others.members[-1]["peerURLs"] == [peer_url(member.address)]
    assert others.members[-1]["isLearner"]
    assert initial_state(member) == "ETCD_INITIAL_CLUSTER_STATE=existing\n"


def test_one_that_is_announced_is_not_announced_again(member: ThisMember, others: Cluster) -> None:
    others.members.append(known(member.address, 3, isLearner=True, clientURLs=[]))
    enter(member)
    assert len(others.members) == 3
    assert others.asked("v3/cluster/member/add") == []
    assert initial_state(member) == "ETCD_INITIAL_CLUSTER_STATE=existing\n"


def test_one_whose_disk_was_lost_takes_its_own_place_though_answers_are_lost(
    member: ThisMember, others: Cluster
) -> None:
    others.members.append(known(member.address, 3))
    others.lost_answers = ["v3/cluster/member/remove", "v3/cluster/member/add"]
    enter(member)
    (own,) = [found for found in others.members if found["peerURLs"] == [peer_url(member.address)]]
    assert own["isLearner"]
    assert own["ID"] != known(member.address, 3)["ID"]
    assert initial_state(member) == "ETCD_INITIAL_CLUSTER_STATE=existing\n"


def test_one_whose_disk_was_lost_stays_out_while_another_is_missing(
    member: ThisMember, cluster: Cluster, authority: Authority
) -> None:
    cluster.members = [known(address, 1) for address in (member.address, *member.peers)]
    with serving(cluster, authority, member.peers[0]), pytest.raises(Failure) as caught:
        enter(member)
    for part in ("disk of this one is blank", "only 1 of 2 others are healthy", "Nothing was changed", "snapshot"):
        assert part in str(caught.value)
    assert len(cluster.members) == 3
    assert not (member.etc / "etcd-membership.env").exists()


def test_a_learner_gets_its_vote_from_the_others_when_it_has_caught_up(member: ThisMember, others: Cluster) -> None:
    with pytest.raises(NotYet, match=f"no member at {member.address}"):
        get_vote(member)
    others.members.append(known(member.address, 3, isLearner=True))
    others.refusals = [("v3/cluster/member/promote", 400, "etcdserver: can only promote a learner which is in sync")]
    with pytest.raises(Failure, match="in sync"):
        get_vote(member)
    get_vote(member)
    assert "isLearner" not in others.members[-1]
    get_vote(member)
    assert len(others.asked("v3/cluster/member/promote")) == 2, "it has its vote"


def test_etcd_is_enabled_and_started_where_it_does_not_run(member: ThisMember) -> None:
    (member.etc.parent / "state").write_text("inactive\n")
    apply_arguments(member, "A=1\n")
    assert calls(member) == ["is-active etcd", "enable --quiet etcd", "start --no-block etcd"]


def test_etcd_is_left_alone_where_it_runs_with_these_arguments(member: ThisMember) -> None:
    (member.etc.parent / "state").write_text("active\n")
    (member.etc / "applied-etcd.env").write_text("A=1\n")
    apply_arguments(member, "A=1\n")
    assert calls(member) == ["is-active etcd"]


def test_members_that_are_to_come_restart_none_that_serves(member: ThisMember) -> None:
    (member.etc.parent / "state").write_text("active\n")
    (member.etc / "applied-etcd.env").write_text("A=1\nETCD_INITIAL_CLUSTER=a=1\n")
    apply_arguments(member, "A=1\nETCD_INITIAL_CLUSTER=a=1,b=2\n")
    assert calls(member) == ["is-active etcd"]


def test_changed_arguments_come_below_the_lock(member: ThisMember, others: Cluster, authority: Authority) -> None:
    (member.etc.parent / "state").write_text("active\n")
    with serving(others, authority, member.address):
        apply_arguments(member, "A=2\n")
    assert calls(member)[1:] == ["restart etcd"]
    assert others.asked("v3/kv/txn") != []
    assert others.keys == {}


def test_one_that_does_not_serve_restarts_without_a_lock(member: ThisMember, others: Cluster) -> None:
    (member.etc.parent / "state").write_text("activating\n")
    apply_arguments(member, "A=2\n")
    assert calls(member)[1:] == ["restart --no-block etcd"]
    assert others.asked("v3/kv/txn") == []


def test_the_mark_of_a_disk_is_that_of_sha256sum_and_keeps_other_clusters_out(
    member: ThisMember, tmp_path: Path
) -> None:
    authority = member.pki / "ca.crt"
    check_mark(authority, "vol-1", member.disk)
    assert not is_marked(member.disk)
    write_mark(authority, member.disk)
    assert is_marked(member.disk)
    written = mark_path(member.disk).read_text()
    assert written == os.popen(f"sha256sum <{authority}").read()
    check_mark(authority, "vol-1", member.disk)
    other = tmp_path / "other.crt"
    shutil.copy(authority, other)
    other.write_text(f"{other.read_text()}\n")
    with pytest.raises(Failure, match=r"vol-1 holds the data of a cluster with another certificate authority; nothing"):
        check_mark(other, "vol-1", member.disk)
    assert mark_path(member.disk).read_text() == written


def test_a_control_plane_finds_etcd_where_its_kubeadm_document_has_it() -> None:
    stacked = "kind: InitConfiguration\n---\nkind: ClusterConfiguration\netcd: {local: {dataDir: /d}}\n"
    external = "kind: ClusterConfiguration\netcd: {external: {endpoints: [https://10.0.1.10:2379]}}\n"
    assert external_endpoints("") == ()
    client = etcd_of_control_plane(stacked, "10.0.0.1", ["10.0.0.2"])
    assert client.endpoints == ("https://10.0.0.1:2379", "https://10.0.0.2:2379")
    assert etcd_of_control_plane(external, "10.0.0.1", ["10.0.0.2"]).endpoints == ("https://10.0.1.10:2379",)
