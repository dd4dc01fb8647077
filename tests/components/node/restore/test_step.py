"""A restore on one machine, action by action, as the operator's side calls them: begun, done, interrupted, undone."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.node.common import environment, log, machine_lock
from components.node.common.failure import Failure
from components.node.etcd.client import EtcdClient
from components.node.restore import source, step
from components.node.restore.record import Record, read_record
from components.node.restore.step import act
from components.node.restore.this_machine import Machine, this_machine
from tests.components.node.etcd.gateway import Authority, Cluster, serving
from tests.components.node.restore.restoring import ID, RECORD, content, given, has_data, machine, programs
from tests.components.node.stand_ins import StandIns

ADDRESS = "127.82.0.11"
ASIDE = {"setAsideBy": "20261101T000000Z-ffff"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "pki").make(ADDRESS)


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(machine_lock, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(source, "check_room", lambda *_: None)
    return programs(tmp_path / "programs", monkeypatch)


@pytest.fixture
def member(authority: Authority, called: StandIns, tmp_path: Path) -> Iterator[Machine]:
    """Of an external etcd, with the data that an earlier restore has set aside."""
    cluster = Cluster(sizes={ADDRESS: (1, 1)}, leader=ADDRESS, held={ADDRESS: (4711, 50, 123)})
    with serving(cluster, authority, ADDRESS, 0) as endpoint:
        found = machine(tmp_path / "machine", client=EtcdClient(authority.trust, [endpoint]))
        has_data(found.disk)
        earlier = found.disk / f"data.before-restore-{ASIDE['setAsideBy']}"
        (earlier / "member" / "snap").mkdir(parents=True)
        (earlier / "member" / "snap" / "db").write_text("earlier")
        yield found


@pytest.fixture
def control_plane(called: StandIns, tmp_path: Path) -> Machine:
    found = machine(tmp_path / "machine", "control-plane")
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        (found.pods.manifests / f"{name}.yaml").write_text(name)
    called.program("kubectl", ("get nodes", 0, '{"items": []}'))
    return found


def do(of: Machine, *actions: str, record: Record = RECORD, **more: object) -> None:
    for action in actions:
        act(action, of, json.dumps(given(record, source=ASIDE, **more)))


def found(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_member_is_restored_and_the_old_data_stays(
    member: Machine, called: StandIns, capsys: pytest.CaptureFixture[str]
) -> None:
    do(member, "begin", "prepare")
    (restored,) = called.calls_with("etcdutl")
    assert restored.endswith("--bump-revision=1000000000 --mark-compacted --skip-hash-check")
    assert f"--initial-cluster-token=test-restore-{ID} " in restored
    assert called.calls_with("systemctl") == [], "it serves on"
    do(member, "take-data")
    assert called.calls_with("systemctl") == ["systemctl disable --quiet etcd", "systemctl stop etcd"]
    assert (content(member.disk / "data"), content(member.disk / f"data.before-restore-{ID}")) == ("restored", "before")
    do(member, "start-member")
    assert called.calls_with("systemctl")[2:] == ["systemctl enable --quiet etcd", "systemctl start --no-block etcd"]
    assert (member.disk / "cluster-ca.sha256").exists(), "a wiped disk is this cluster's again"
    assert (member.etc / "etcd-membership.env").read_text() == "ETCD_INITIAL_CLUSTER_STATE=existing\n"
    do(member, "wait-for-member")
    assert found(capsys) == {"member": "1", "revision": 100}
    do(member, "held", revision=100)
    assert found(capsys) == {"hash": 4711, "compacted": 50, "keys": 123}
    do(member, "end")
    assert read_record(member.record) is None
    assert not (member.disk / f"restore-{ID}").exists()
    assert content(member.disk / f"data.before-restore-{ID}") == "before"


def test_every_action_may_run_again(member: Machine, called: StandIns) -> None:
    for action in ("begin", "prepare", "take-data", "start-member", "wait-for-member", "end"):
        do(member, action)
        if action != "end":
            do(member, action)
    assert len(called.calls_with("etcdutl")) == 1
    assert called.calls_with("stop etcd") == ["systemctl stop etcd"], "a member with restored data is not stopped again"
    do(member, "end")


def test_a_member_goes_back_to_the_data_that_it_had(member: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    do(member, "begin", "prepare", "take-data")
    back = dataclasses.replace(RECORD, undo=True)
    with pytest.raises(Failure, match="has not begun on this machine"):
        do(member, "put-data-back", record=back)
    for _ in range(2):
        do(member, "begin", "put-data-back", record=back)
        assert found(capsys) == {"hasData": True}
        assert content(member.disk / "data") == "before"
    do(member, "start-member", "wait-for-member", "end", record=back)


def test_a_stacked_member_stops_and_starts_by_its_manifest_and_takes_programs_from_its_image(
    authority: Authority, called: StandIns, tmp_path: Path
) -> None:
    of = machine(tmp_path / "machine", "control-plane", EtcdClient(authority.trust, ["https://127.82.0.11:1"]))
    (of.pods.manifests / "etcd.yaml").write_text("spec: {containers: [{image: registry.k8s.io/etcd:3.6.8-0}]}")
    has_data(of.disk)
    with of.programs() as found_programs:
        assert found_programs.etcdutl.endswith("/usr/local/bin/etcdutl")
    of.stop_member()
    assert not (of.pods.manifests / "etcd.yaml").exists()
    with of.programs():
        pass
    of.start_member()
    assert (of.pods.manifests / "etcd.yaml").exists()
    assert called.calls_with("systemctl stop") == []
    assert len(called.calls_with("images mount registry.k8s.io/etcd:3.6.8-0")) == 2


def test_a_control_plane_stops_and_starts_in_order(control_plane: Machine, called: StandIns) -> None:
    do(control_plane, "begin", "stop-api")
    assert list(control_plane.pods.manifests.iterdir()) == []
    do(control_plane, "start-api-server")
    assert [path.stem for path in control_plane.pods.manifests.iterdir()] == ["kube-apiserver"]
    record = read_record(control_plane.record)
    assert record is not None
    assert record.serves
    do(control_plane, "start-controllers")
    assert len(list(control_plane.pods.manifests.iterdir())) == 3
    assert called.calls[-1] == "systemctl restart kubelet"
    do(control_plane, "end")


def test_who_goes_back_has_not_served_what_was_restored(control_plane: Machine) -> None:
    back = dataclasses.replace(RECORD, undo=True)
    do(control_plane, "begin", "start-api-server", record=back)
    assert read_record(control_plane.record) == back


def test_another_restore_does_not_begin_unless_it_replaces_this_one(member: Machine) -> None:
    do(member, "begin")
    other = dataclasses.replace(RECORD, id="2", snapshot="all/2")
    with pytest.raises(Failure, match=f"another restore, of snapshot {RECORD.snapshot}, is under way since"):
        do(member, "begin", record=other)
    replacing = dataclasses.replace(other, replaces=ID)
    do(member, "begin", record=replacing)
    assert read_record(member.record) == replacing


@pytest.mark.parametrize("other", ["configure-etcd-member", "take-snapshot"])
def test_it_begins_when_no_other_step_is_at_work(member: Machine, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "_OTHERS_SECONDS", 0)
    with machine_lock.machine_lock(other, 0), pytest.raises(Failure, match=f"the other run of {other}"):
        do(member, "begin")
    assert read_record(member.record) is None


@pytest.mark.parametrize("action", ["prepare", "stop-api", "take-data", "start-member", "start-api-server"])
def test_nothing_is_done_for_a_restore_that_has_not_begun_here(member: Machine, action: str) -> None:
    with pytest.raises(Failure, match="has not begun on this machine"):
        do(member, action)


def test_what_was_set_aside_is_told_by_its_revision(
    member: Machine, called: StandIns, capsys: pytest.CaptureFixture[str]
) -> None:
    called.program("etcdutl", ("snapshot status", 0, '{"hash": 5, "revision": 7, "totalKey": 9}'))
    act("set-aside", member, json.dumps(ASIDE))
    assert found(capsys) == {"revision": 7}
    called.program("etcdutl", ("snapshot status", 0, "nothing"))
    with pytest.raises(Failure, match="status does not say"):
        act("set-aside", member, json.dumps(ASIDE))


def test_data_that_was_set_aside_and_is_gone_is_named(member: Machine) -> None:
    do(member, "begin")
    with pytest.raises(Failure, match="can't be copied"):
        act("prepare", member, json.dumps(given(source={"setAsideBy": "1"})))


def test_what_is_given_must_be_what_an_operator_sends(member: Machine) -> None:
    with pytest.raises(Failure, match="is no JSON") as failed:
        act("begin", member, "a secret")
    assert "secret" not in str(failed.value)
    with pytest.raises(Failure, match="names no restore"):
        act("begin", member, "{}")


def test_the_nodes_are_written_down_once_and_those_that_are_missing_made_again(
    control_plane: Machine, called: StandIns
) -> None:
    def node(name: str, ready: str) -> dict[str, Any]:
        return {
            "metadata": {"name": name, "uid": "1", "resourceVersion": "2", "labels": {"quorate/pool": "general"}},
            "spec": {"providerID": f"aws:///eu-central-1a/{name}", "podCIDR": "10.244.9.0/24"},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }

    before = json.dumps({"items": [node("i-1", "True"), node("i-2", "True"), node("i-3", "Unknown")]})
    called.program("kubectl", ("get nodes", 0, before.replace("\\", "\\\\")))
    do(control_plane, "begin")
    called.program("kubectl", ("get nodes", 0, json.dumps({"items": [node("i-1", "True")]})))
    do(control_plane, "begin")
    do(control_plane, "bring-nodes-back")
    made = json.loads(called.given.split("\n")[-1] or called.given)
    assert made == {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "i-2", "labels": {"quorate/pool": "general"}},
        "spec": {"providerID": "aws:///eu-central-1a/i-2", "podCIDR": "10.244.9.0/24"},
    }
    assert len(called.calls_with("create --filename -")) == 1


def test_nodes_of_an_api_that_does_not_answer_are_not_known(control_plane: Machine, called: StandIns) -> None:
    called.program("kubectl", ("get nodes", 1, "refused"))
    do(control_plane, "begin")
    assert not control_plane.kept_nodes.exists()


def test_it_is_called_by_its_action_and_reads_node_env(
    called: StandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert step.main(["no action"]) == 2
    assert "an ACTION is one of: evidence, begin" in capsys.readouterr().err
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(environment, "ETC", tmp_path / "etc")
    (tmp_path / "etc").mkdir()
    assert step.main(["begin"]) == 1
    assert "node.env can't be read" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("role", "volume", "external", "expected"),
    [
        ("etcd", "vol-1", True, ("https://10.0.0.10:2379",)),
        ("control-plane", "vol-1", False, ("https://10.0.0.10:2379",)),
        ("control-plane", "", True, None),
    ],
)
def test_a_machine_knows_by_node_env_whether_it_holds_a_member(
    role: str,
    volume: str,
    external: bool,
    expected: tuple[str, ...] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(environment, "ETC", tmp_path)
    (tmp_path / "node.env").write_text(
        f"ROLE={role}\nCLUSTER_NAME=test\nMACHINE_NAME=one\nNODE_ADDRESS=10.0.0.10\nETCD_VOLUME_ID={volume}\n"
        "ETCD_VERSION=3.6.14\nPEER_ADDRESSES=10.0.0.11\nCONTROL_PLANE_ADDRESSES=10.0.0.11\n"
    )
    etcd = "external: {endpoints: [https://10.0.0.20:2379]}" if external else "local: {}"
    (tmp_path / "kubeadm.yaml").write_text(f"kind: ClusterConfiguration\netcd: {{{etcd}}}\n")
    found = this_machine()
    assert (found.client.endpoints if found.client else None) == expected
    assert found.holds_member is bool(volume)
    assert found.is_stacked is (role == "control-plane" and bool(volume))
    assert found.data("1").owner == ("" if found.is_stacked else "etcd:etcd")
