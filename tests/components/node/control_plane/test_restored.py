"""wait-restored: who must have been heard since, and that controllers act."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from components.node.common import environment, log, machine_lock
from components.node.common.failure import Failure
from components.node.common.kubectl import admin_kubectl
from components.node.control_plane import restored
from components.node.control_plane.readiness import Wanted
from components.node.control_plane.restored import main, moment, silent_since, try_controllers, wait_restored
from tests.components.node.stand_ins import StandIns, stand_ins

LATER = "2199-01-01T00:00:00.000000Z"
BEFORE = "2020-01-01T00:00:00Z"
NODE = {"metadata": {"name": "control-plane-0"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
NODES = ("get nodes", 0, json.dumps({"items": [NODE]}))
VALUES = {"NETWORK_PLUGIN_WORKLOAD": "kube-system/daemonset/calico-node", "TARGET_GROUPS": "one two"}


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(restored, "_HEARD_SECONDS", 0)
    monkeypatch.setattr(restored, "_NAMESPACE_SECONDS", 0)
    return stand_ins(tmp_path / "programs", monkeypatch)


def leases(leader: str, kubelet: str) -> tuple[tuple[str, int, str], ...]:
    leaders = f"kube-controller-manager\t{leader}\nkube-scheduler\t{LATER}\n"
    return (
        ("get leases --namespace kube-system", 0, leaders),
        ("get leases --namespace kube-node-lease", 0, f"control-plane-0\t{kubelet}\n"),
    )


def test_each_leader_and_each_kubelet_must_have_been_heard() -> None:
    ready = {"a": True, "b": True, "c": False}
    assert silent_since(10, {"kube-scheduler": 11.0}, {"a": True}, {"a": 10.5}) == []
    assert silent_since(10, {"kube-scheduler": 10.0}, ready, {"a": 9.0, "c": 11.0}) == [
        "kube-scheduler has not renewed its lease",
        "the kubelet of a is silent",
        "the kubelet of b is silent",
        "c is not Ready",
    ]


def test_times_of_leases_are_those_of_this_clock() -> None:
    assert moment("1970-01-01T00:01:00.500000Z") == 60.5
    assert moment("1970-01-01T00:01:00Z") == 60
    assert moment("") == 0
    with pytest.raises(Failure, match="which is no time"):
        moment("yesterday")


def test_a_cluster_works_when_all_were_heard_and_what_they_run_is_there(
    called: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[tuple[object, ...]] = []
    monkeypatch.setattr(restored, "wait_ready", lambda *wanted: looked.append(wanted))
    called.program("kubectl", NODES, *leases(LATER, LATER), ("get serviceaccount", 0, "{}"), ("get configmap", 0, "{}"))
    called.program("systemctl")
    wait_restored({**VALUES, "JOIN_PARAMETER": "/quorate/test/join"})
    assert looked == [(Wanted(), "kube-system/daemonset/calico-node", ["one", "two"])]
    assert called.calls_with("systemctl") == ["systemctl start --no-block quorate-join-credentials.service"]
    assert called.calls_with("delete namespace quorate-restore-trial")
    assert '"name": "quorate-restore-trial"' in called.given


@pytest.mark.parametrize(
    ("leader", "kubelet", "told"),
    [
        (BEFORE, LATER, "kube-controller-manager has not renewed its lease"),
        (LATER, BEFORE, "the kubelet of control-plane-0 is silent"),
        (LATER, "", "the kubelet of control-plane-0 is silent"),
    ],
)
def test_who_is_silent_is_named(called: StandIns, leader: str, kubelet: str, told: str) -> None:
    called.program("kubectl", NODES, *leases(leader, kubelet))
    with pytest.raises(Failure, match=told):
        wait_restored(VALUES)
    assert called.calls_with("systemctl") == [], "nobody joins this cluster"


def test_controllers_that_do_nothing_are_found_and_the_trial_leaves_no_trace(called: StandIns) -> None:
    called.program("kubectl", ("get serviceaccount", 0, "{}"))
    with pytest.raises(Failure, match=r"there is no configmap kube-root-ca.crt"):
        try_controllers(admin_kubectl)
    assert called.calls_with("delete namespace")


def test_a_namespace_that_nobody_removes_is_found(called: StandIns) -> None:
    found = [("get serviceaccount", 0, "{}"), ("get configmap", 0, "{}"), ("get namespace", 0, "{}")]
    called.program("kubectl", *found)
    with pytest.raises(
        Failure, match="to remove the namespace quorate-restore-trial; the last answer was: it is still"
    ):
        try_controllers(admin_kubectl)


def test_it_takes_no_arguments_and_reads_node_env(
    called: StandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["more"]) == 2
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(environment, "ETC", tmp_path)
    monkeypatch.setattr(machine_lock, "LOCKS", tmp_path)
    (tmp_path / "node.env").write_text("MACHINE_NAME=control-plane-0\n")
    assert main([]) == 1
    assert "does not set NETWORK_PLUGIN_WORKLOAD" in capsys.readouterr().out
