"""What a cluster is waited for, what is reported meanwhile, and what when it was in vain."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.node.common import log
from components.node.common.failure import Failure
from components.node.control_plane import readiness
from components.node.control_plane.nodes import Node
from components.node.control_plane.readiness import Arrivals, Wanted, missing_of, read_wanted
from tests.components.node.aws_services import aws_of_this_process
from tests.components.node.control_plane.target_groups import TargetGroups
from tests.components.node.stand_ins import StandIns, stand_ins
from tests.components.node.tls import https_server, issue, make_authority

CONTROL_PLANE = Node("control-plane-0", "", "True", "KubeletReady")
WORKER = Node("general-i-0aa", "general", "True", "KubeletReady")
LINES = r"control-plane-0\t\tTrue\tKubeletReady\ngeneral-i-0aa\tgeneral\tTrue\tKubeletReady\n"
ALL = Wanted(("control-plane-0",), (("general", 1),))
PLUGIN = "kube-system/daemonset/plugin"


def test_arguments_are_nodes_and_pools_with_their_minimum() -> None:
    wanted = read_wanted(["control-plane-0", "general:2", "control-plane-1", "gpu:0"])
    assert wanted == Wanted(("control-plane-0", "control-plane-1"), (("general", 2), ("gpu", 0)))


@pytest.mark.parametrize("argument", ["general:", "general:two"])
def test_a_minimum_that_is_no_number_is_refused(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert readiness.main([argument]) == 2
    assert "POOL:MINIMUM" in capsys.readouterr().err


def test_nothing_is_missing_of_what_is_ready() -> None:
    assert missing_of(ALL, [CONTROL_PLANE, WORKER]) == []


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ([], "control-plane-0: Ready is unknown, it has not joined"),
        (
            [Node("control-plane-0", "", "False", "KubeletNotReady")],
            "control-plane-0: Ready is False (KubeletNotReady)",
        ),
        ([Node("control-plane-0")], "control-plane-0: Ready is not reported ()"),
    ],
)
def test_a_missing_machine_is_named_with_what_is_known_of_it(nodes: list[Node], told: str) -> None:
    assert missing_of(Wanted(("control-plane-0",)), nodes) == [told]


@pytest.mark.parametrize(
    "node",
    [
        Node("general-i-0aa", "general", "False"),
        Node("big-general-i-0aa", "big-general", "True"),
        Node("general-i-0aa-big", "general", "True"),
        Node("generalXi-0aa", "general", "True"),
    ],
)
def test_only_ready_nodes_of_the_very_pool_are_counted(node: Node) -> None:
    assert missing_of(Wanted(pools=(("general", 1),)), [node]) == ["pool general has 0 Ready of 1"]


def test_a_pool_that_may_be_empty_is_never_missing() -> None:
    assert missing_of(Wanted(pools=(("general", 0),)), []) == []


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    log.begin_log("wait-ready")
    programs = stand_ins(tmp_path / "programs", monkeypatch)
    programs.program("kubectl", ("get nodes --output jsonpath", 0, LINES))
    programs.program("journalctl", ("kubelet", 0, "the kubelet's words\n"))
    return programs


def reported(tmp_path: Path) -> str:
    return (tmp_path / "logs" / "wait-ready.log").read_text()


def test_each_machine_that_becomes_ready_is_announced_once(programs: StandIns, tmp_path: Path) -> None:
    arrivals = Arrivals()
    arrivals.announce([CONTROL_PLANE, Node("general-i-0aa", "general", "False")])
    arrivals.announce([CONTROL_PLANE, WORKER])
    assert reported(tmp_path).count("node control-plane-0 is Ready") == 1
    assert reported(tmp_path).count("node general-i-0aa is Ready") == 1


def test_system_pods_and_the_network_plugin_are_waited_for_then_what_serves(
    programs: StandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(readiness, "resolve", lambda server, name: asked.append(f"{server} {name}"))
    make_authority(tmp_path / "authority")
    issue(tmp_path / "authority", tmp_path / "server.crt", "IP:127.0.0.1")
    monkeypatch.setattr(readiness, "_AUTHORITY", tmp_path / "authority" / "ca.crt")
    with https_server(tmp_path / "server.crt", 200) as port:
        programs.program(
            "kubectl",
            ("get nodes --output jsonpath", 0, LINES),
            ("get service kube-dns", 0, "10.96.0.10"),
            ("get service kubernetes", 0, f"127.0.0.1:{port}"),
        )
        with aws_of_this_process(monkeypatch) as aws:
            groups = TargetGroups({"internal": {"10.0.0.1": ["initial", "healthy"], "10.0.0.2": ["healthy"]}})
            aws.balancing = groups.answer
            monkeypatch.setattr("components.node.common.waiting.time.sleep", lambda _: None)
            readiness.wait_ready(ALL, PLUGIN, ["internal"], nodes_seconds=0)
    assert groups.states["internal"]["10.0.0.1"] == ["healthy"], "it has asked until it was"
    looked = [call.split(" rollout status ")[1].split()[0] for call in programs.calls_with("rollout status")]
    assert looked == ["daemonset/plugin", "daemonset/kube-proxy", "deployment/coredns"]
    assert all("--namespace kube-system" in call for call in programs.calls_with("rollout status"))
    assert asked == ["10.96.0.10 kubernetes.default.svc.cluster.local"]
    assert reported(tmp_path).rstrip().endswith("cluster DNS and the Service of the API answer")


def test_an_api_server_that_no_load_balancer_finds_healthy_is_named(
    programs: StandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.program("kubectl", ("get nodes --output jsonpath", 0, LINES))
    monkeypatch.setattr(readiness, "dns_answers", lambda: None)
    monkeypatch.setattr(readiness, "api_service_answers", lambda: None)
    with aws_of_this_process(monkeypatch) as aws:
        aws.balancing = TargetGroups({"internal": {"10.0.0.1": ["unhealthy"], "10.0.0.2": ["healthy"]}}).answer
        with pytest.raises(Failure, match=r"10\.0\.0\.1 is unhealthy in internal \(Health checks failed\)$"):
            readiness.wait_ready(ALL, PLUGIN, ["internal"], nodes_seconds=0, targets_seconds=0)


def test_a_deadline_names_all_that_is_missing_where_to_look_and_what_was_found(
    programs: StandIns, tmp_path: Path
) -> None:
    wanted = Wanted(("control-plane-0", "control-plane-1"), (("general", 2),))
    with pytest.raises(Failure) as failed:
        readiness.wait_ready(wanted, PLUGIN, nodes_seconds=0)
    assert "control-plane-1: Ready is unknown, it has not joined; pool general has 1 Ready of 2" in str(failed.value)
    assert "journalctl --unit quorate-join" in str(failed.value)
    assert programs.calls_with("get nodes --output wide")
    assert programs.calls_with("get pods --all-namespaces")
    assert "the kubelet's words" in reported(tmp_path)


def test_evidence_that_cannot_be_had_hides_no_failure(programs: StandIns, tmp_path: Path) -> None:
    programs.program("kubectl", ("get", 1, "connection refused\n"))
    programs.program("journalctl", ("kubelet", 1, "no journal\n"))
    with pytest.raises(
        Failure, match="waited 0s for nodes; the last answer was: kubectl ended with 1: connection refused"
    ):
        readiness.wait_ready(ALL, PLUGIN, nodes_seconds=0)
    assert "no journal" in reported(tmp_path)


def test_a_workload_that_is_not_available_is_a_failure_with_kubectls_reason(programs: StandIns) -> None:
    programs.program("kubectl", ("rollout status", 1, "2 of 3 updated\n"))
    with pytest.raises(Failure, match="2 of 3 updated"):
        readiness.rolled_out(PLUGIN)
