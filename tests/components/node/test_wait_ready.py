"""wait-ready.sh: what it waits for, what it says meanwhile, and what it says when it was in vain."""

from __future__ import annotations

from pathlib import Path

from tests.components.node.node_machine import NodeMachine

READY = "control-plane-0 True KubeletReady\\ngeneral-i-0aa True KubeletReady\\n"


def machine_with(folder: Path, nodes: str) -> NodeMachine:
    machine = NodeMachine(folder)
    machine.prepare(
        ("common.sh", "wait-ready.sh"),
        {"MACHINE_NAME": "control-plane-0", "NETWORK_PLUGIN_WORKLOAD": "kube-system/daemonset/plugin"},
        {"kubectl": [("get nodes --output jsonpath", 0, nodes)], "curl": [], "python3": [], "journalctl": []},
    )
    return machine


def test_each_machine_that_becomes_ready_is_told_once(tmp_path: Path) -> None:
    outcome = machine_with(tmp_path, READY).run_with("wait-ready.sh", "control-plane-0", "general:1")
    assert outcome.returncode == 0, outcome.stdout
    assert outcome.stdout.count("node control-plane-0 is Ready") == 1
    assert outcome.stdout.count("node general-i-0aa is Ready") == 1


def test_system_pods_and_the_network_plugin_are_waited_for(tmp_path: Path) -> None:
    machine = machine_with(tmp_path, READY)
    machine.run_with("wait-ready.sh", "control-plane-0")
    looked = " ".join(call for call in machine.calls("kubectl") if "rollout status" in call)
    assert all(name in looked for name in ("daemonset/plugin", "daemonset/kube-proxy", "deployment/coredns"))


def test_a_missing_machine_and_a_short_pool_are_named_with_what_is_known_of_them(tmp_path: Path) -> None:
    nodes = (
        "control-plane-0 True KubeletReady\\ncontrol-plane-1 False KubeletNotReady\\ngeneral-i-0aa True KubeletReady\\n"
    )
    machine = machine_with(tmp_path, nodes)
    expected = ("control-plane-0", "control-plane-1", "control-plane-2", "general:2", "other:1")
    outcome = machine.run_with("wait-ready.sh", *expected, NODES_SECONDS="1")
    assert outcome.returncode != 0
    assert "control-plane-1: Ready is False (KubeletNotReady)" in outcome.stdout
    assert "control-plane-2: Ready is unknown, it has not joined" in outcome.stdout
    assert "pool general has 1 Ready of 2" in outcome.stdout
    assert "pool other has 0 Ready of 1" in outcome.stdout
    assert "journalctl --unit quorate-join" in outcome.stdout


def test_a_pool_is_not_taken_for_another_whose_name_it_ends(tmp_path: Path) -> None:
    machine = machine_with(tmp_path, "big-general-i-0aa True KubeletReady\\n")
    outcome = machine.run_with("wait-ready.sh", "general:1", NODES_SECONDS="1")
    assert outcome.returncode != 0
