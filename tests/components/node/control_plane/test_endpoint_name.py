"""The API endpoint's name on a hosts file, with a stand-in for kubectl."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.node.common import environment, log
from components.node.common.failure import Failure
from components.node.common.kubectl import Kubectl
from components.node.control_plane import endpoint_name
from components.node.control_plane.endpoint_name import (
    LEAVING,
    follow_load_balancer,
    main,
    name_endpoint,
    replace_line,
    with_line,
)
from tests.components.node.stand_ins import StandIns, stand_ins

NAME = "api.test.internal"
OTHERS = "127.0.0.1 localhost\n10.0.0.9 api.test.internal.example\n"
WORKLOADS = ("kube-system/daemonset/kube-proxy", "kube-flannel/daemonset/kube-flannel-ds")


def pods(*owned: tuple[str, str]) -> str:
    return json.dumps(
        {"items": [{"metadata": {"name": name, "ownerReferences": [{"name": owner}]}} for name, owner in owned]
         + [{"metadata": {"name": "nobodys"}}]}
    )  # fmt: skip


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    programs = stand_ins(tmp_path / "programs", monkeypatch)
    programs.program(
        "kubectl",
        ("get pods --namespace kube-system", 0, pods(("kube-proxy-b7x2k", "kube-proxy"), ("coredns-1", "coredns-7"))),
        ("get pods --namespace kube-flannel", 0, pods()),
    )
    return programs


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    path = tmp_path / "hosts"
    path.write_text(OTHERS)
    return path


def follow(hosts: Path, silent: str = "") -> None:
    def answers() -> None:
        if silent:
            raise Failure(silent)

    follow_load_balancer(
        NAME, "cp-1", WORKLOADS, answers, hosts=hosts, kubectl=Kubectl(Path("/x")), seconds=0, restart_seconds=0.5
    )


def deleted(programs: StandIns) -> list[str]:
    return [call.partition(" delete pod ")[2].split()[0] for call in programs.calls_with(" delete pod ")]


def test_the_name_means_the_address_and_another_one_takes_its_place(hosts: Path) -> None:
    for address in ("10.20.128.16", "10.20.144.17"):
        name_endpoint(address, NAME, hosts)
        assert hosts.read_text() == f"{OTHERS}{address} {NAME} # quorate: the API endpoint\n"


def test_naming_the_same_address_again_changes_and_reports_nothing(
    hosts: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name_endpoint("10.20.128.16", NAME, hosts)
    assert f"{NAME} is 10.20.128.16 in {hosts}" in capfd.readouterr().out
    name_endpoint("10.20.128.16", NAME, hosts)
    assert capfd.readouterr().out == ""


def test_the_file_is_changed_in_place_as_it_may_be_a_mount(hosts: Path) -> None:
    before = hosts.stat().st_ino
    assert replace_line(hosts, "x")
    assert hosts.stat().st_ino == before


@pytest.mark.parametrize("text", ["", "127.0.0.1 localhost", "127.0.0.1 localhost\n"])
def test_other_lines_stay_also_without_a_last_newline(text: str) -> None:
    named = with_line(text, f"10.0.0.1 {NAME} # quorate: the API endpoint")
    assert named.endswith(f"10.0.0.1 {NAME} # quorate: the API endpoint\n")
    assert with_line(named, None).rstrip("\n") == text.rstrip("\n")


def test_when_the_load_balancer_answers_dns_is_followed_and_this_machines_pods_start_again(
    hosts: Path, programs: StandIns
) -> None:
    name_endpoint("10.20.128.16", NAME, hosts)
    follow(hosts)
    assert hosts.read_text() == OTHERS
    assert deleted(programs) == ["kube-proxy-b7x2k"]
    asked = programs.calls_with(" get pods ")
    assert len(asked) == 2
    assert all("--field-selector spec.nodeName=cp-1" in call for call in asked)
    assert "--namespace kube-flannel " in asked[1]
    assert "--wait=false --ignore-not-found" in programs.calls_with(" delete pod ")[0]


def test_what_follows_dns_already_is_left_alone(hosts: Path, programs: StandIns) -> None:
    follow(hosts, silent="not even asked")
    assert hosts.read_text() == OTHERS
    assert programs.calls == []


def test_a_run_that_the_load_balancer_did_not_answer_is_finished_by_the_next(hosts: Path, programs: StandIns) -> None:
    name_endpoint("10.20.128.16", NAME, hosts)
    expected = f"waited 0s for the API through the load balancer at {NAME}; the last answer was: connection refused"
    with pytest.raises(Failure, match=expected):
        follow(hosts, silent="connection refused")
    assert deleted(programs) == []
    assert hosts.read_text() == f"{OTHERS}{LEAVING}\n", "it was not the load balancer that answered"
    follow(hosts)
    assert hosts.read_text() == OTHERS
    assert deleted(programs) == ["kube-proxy-b7x2k"]


def test_pods_that_could_not_start_again_are_tried_by_the_next_run(hosts: Path, programs: StandIns) -> None:
    name_endpoint("10.20.128.16", NAME, hosts)
    programs.program("kubectl", ("get pods", 1, "the server is gone\n"))
    with pytest.raises(Failure, match="the server is gone"):
        follow(hosts)
    assert LEAVING in hosts.read_text()


def test_a_slow_api_server_is_asked_again_to_start_pods(
    hosts: Path, programs: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def slow_at_first(workload: str, machine: str, kubectl: Kubectl) -> None:
        asked.append(workload)
        if len(asked) == 1:
            raise Failure("Client.Timeout exceeded while awaiting headers")

    monkeypatch.setattr(endpoint_name, "restart_pods", slow_at_first)
    name_endpoint("10.20.128.16", NAME, hosts)
    follow(hosts)
    assert asked == [WORKLOADS[0], *WORKLOADS]
    assert hosts.read_text() == OTHERS


def test_the_step_leaves_a_machine_alone_that_follows_dns_already(
    hosts: Path, tmp_path: Path, programs: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "ETC", tmp_path)
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(endpoint_name, "HOSTS", hosts)
    values = {"MACHINE_NAME": "cp-1", "API_ENDPOINT_NAME": NAME, "NETWORK_PLUGIN_WORKLOAD": WORKLOADS[1]}
    (tmp_path / "node.env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    assert main([]) == 0
    assert programs.calls == []


def test_workers_are_let_in_when_the_name_leads_to_the_load_balancer(
    hosts: Path, tmp_path: Path, programs: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answers(authority: Path, name: str) -> None:
        assert not programs.calls_with("quorate-join-credentials")

    monkeypatch.setattr(environment, "ETC", tmp_path)
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(endpoint_name, "HOSTS", hosts)
    monkeypatch.setattr(endpoint_name, "api_answers", answers)
    programs.program("systemctl")
    values = {"MACHINE_NAME": "cp-1", "API_ENDPOINT_NAME": NAME, "NETWORK_PLUGIN_WORKLOAD": WORKLOADS[1]}
    (tmp_path / "node.env").write_text(
        "".join(f"{name}={value}\n" for name, value in {**values, "JOIN_PARAMETER": "/test/join"}.items())
    )
    name_endpoint("10.20.128.16", NAME, hosts)
    assert main([]) == 0
    assert programs.calls[-2:] == [
        "systemctl enable --quiet --now quorate-join-credentials.timer quorate-tend-workers.timer",
        "systemctl start --no-block quorate-join-credentials.service",
    ]


def test_the_step_names_what_its_environment_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "ETC", tmp_path)
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    (tmp_path / "node.env").write_text("MACHINE_NAME=cp-1\n")
    assert main([]) == 1
    printed = capfd.readouterr().out
    assert "follow-load-balancer FAILED on cp-1" in printed
    assert "does not set API_ENDPOINT_NAME, NETWORK_PLUGIN_WORKLOAD" in printed
    assert main(["10.0.0.1"]) == 2
