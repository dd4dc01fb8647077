"""kubectl with a stand-in for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.node.common.failure import Failure
from components.node.common.kubectl import Kubectl, admin_kubectl
from tests.components.node.stand_ins import StandIns, stand_ins


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    return stand_ins(tmp_path / "programs", monkeypatch)


def test_the_administrator_asks_with_a_deadline_for_each_request(programs: StandIns) -> None:
    programs.program("kubectl", ("get --raw /readyz", 0, "ok"))
    admin_kubectl.api_is_ready()
    admin_kubectl.at("10.0.0.7").api_is_ready()
    start = "kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=10s"
    assert programs.calls == [f"{start} get --raw /readyz", f"{start} --server https://10.0.0.7:6443 get --raw /readyz"]


def test_answers_are_read_as_json_and_what_is_not_there_is_none(programs: StandIns) -> None:
    programs.program("kubectl", ("get pods", 0, '{"items": [1]}'), ("get lease", 0, ""))
    kubectl = Kubectl(Path("/x"))
    assert kubectl.read("pods") == {"items": [1]}
    assert kubectl.read("lease", "--ignore-not-found") is None
    assert all(call.endswith(" --output json") for call in programs.calls)


def test_a_refusal_is_a_failure_with_the_servers_words(programs: StandIns) -> None:
    programs.program("kubectl", ("", 1, "Error from server (Forbidden): no\n"))
    with pytest.raises(Failure, match=r"kubectl ended with 1: Error from server \(Forbidden\): no"):
        admin_kubectl.run("get", "nodes")


def test_kubectl_that_hangs_is_ended(programs: StandIns) -> None:
    programs.program("kubectl", before="exec sleep 30")
    with pytest.raises(Failure, match="kubectl did not end within 0s"):
        admin_kubectl.run("get", "nodes", seconds=0.2)


def test_what_is_applied_goes_by_standard_input(programs: StandIns) -> None:
    programs.program("kubectl")
    admin_kubectl.run("apply", "--filename", "-", stdin="kind: Secret\n")
    assert programs.given == "kind: Secret\n"
    assert "Secret" not in "".join(programs.calls)
