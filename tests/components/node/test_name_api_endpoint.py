"""name-api-endpoint.sh on a hosts file, with stand-ins for curl and kubectl."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.components.node.node_machine import NodeMachine

SCRIPTS = ("common.sh", "kubeadm-common.sh", "name-api-endpoint.sh")
NAME = "api.test.internal"
ENVIRONMENT = {
    "MACHINE_NAME": "control-plane-1", "API_ENDPOINT_NAME": NAME,
    "NETWORK_PLUGIN_WORKLOAD": "kube-flannel/daemonset/kube-flannel-ds",
}  # fmt: skip
OTHERS = "127.0.0.1 localhost\n10.0.0.9 api.test.internal.example\n"


@pytest.fixture
def machine(tmp_path: Path) -> NodeMachine:
    machine = NodeMachine(tmp_path)
    answers(machine, curl=("/readyz", 0, "ok"))
    (tmp_path / "hosts").write_text(OTHERS)
    return machine


def answers(machine: NodeMachine, curl: tuple[str, int, str]) -> None:
    pods = [
        ('.name=="kube-proxy"', 0, "kube-proxy-b7x2k\\n"),
        ('.name=="kube-flannel-ds"', 0, ""),
    ]
    machine.prepare(SCRIPTS, ENVIRONMENT, {"curl": [curl], "kubectl": pods})


def name(machine: NodeMachine, meaning: str) -> subprocess.CompletedProcess[str]:
    return machine.run_with("name-api-endpoint.sh", meaning, HOSTS=str(machine.folder / "hosts"), BALANCER_SECONDS="1")


def hosts(machine: NodeMachine) -> str:
    return (machine.folder / "hosts").read_text()


def deleted(machine: NodeMachine) -> list[str]:
    return [call.partition(" delete pod ")[2].split()[0] for call in machine.calls("kubectl") if " delete pod " in call]


def test_the_name_means_the_address_and_another_one_takes_its_place(machine: NodeMachine) -> None:
    for address in ("10.20.128.16", "10.20.144.17"):
        assert name(machine, address).returncode == 0
        lines = [line for line in hosts(machine).splitlines() if line not in OTHERS.splitlines()]
        assert [line.split()[:2] for line in lines] == [[address, NAME]]
    assert hosts(machine).startswith(OTHERS)


def test_when_the_load_balancer_answers_dns_is_followed_and_this_machines_pods_start_again(
    machine: NodeMachine,
) -> None:
    name(machine, "10.20.128.16")
    outcome = name(machine, "dns")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert hosts(machine) == OTHERS
    assert deleted(machine) == ["kube-proxy-b7x2k"]
    asked = [call for call in machine.calls("kubectl") if " get pods " in call]
    assert len(asked) == 2
    assert all("--field-selector spec.nodeName=control-plane-1" in call for call in asked)
    assert "--namespace kube-flannel " in asked[1]


def test_what_follows_dns_already_is_left_alone(machine: NodeMachine) -> None:
    assert name(machine, "dns").returncode == 0
    assert hosts(machine) == OTHERS
    assert machine.calls("kubectl") == machine.calls("curl") == []


def test_a_run_that_the_load_balancer_did_not_answer_is_finished_by_the_next(machine: NodeMachine) -> None:
    name(machine, "10.20.128.16")
    answers(machine, curl=("/readyz", 7, "connection refused"))
    outcome = name(machine, "dns")
    assert outcome.returncode != 0
    assert f"waited 1s for the API through the load balancer at {NAME}" in outcome.stdout + outcome.stderr
    assert "connection refused" in outcome.stdout + outcome.stderr
    assert deleted(machine) == []
    assert "10.20.128.16" not in hosts(machine), "it was not the load balancer that answered"
    answers(machine, curl=("/readyz", 0, "ok"))
    assert name(machine, "dns").returncode == 0
    assert hosts(machine) == OTHERS
    assert deleted(machine) == ["kube-proxy-b7x2k"]
