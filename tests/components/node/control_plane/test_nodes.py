from __future__ import annotations

from pathlib import Path

import pytest

from components.node.common.failure import Failure
from components.node.control_plane.nodes import Node, list_nodes
from tests.components.node.stand_ins import StandIns, stand_ins


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    return stand_ins(tmp_path / "programs", monkeypatch)


def test_nodes_have_their_pool_and_condition_where_they_have_one(programs: StandIns) -> None:
    lines = (
        r"control-plane-0\t\tTrue\tKubeletReady\taws:///eu-central-1a/i-0c\n"
        r"general-i-0a\tgeneral\tUnknown\tNodeStatusUnknown\n"
        r"general-i-0b\tgeneral\t\t\n"
    )
    programs.program("kubectl", ("get nodes", 0, lines))
    assert list_nodes() == (
        Node("control-plane-0", "", "True", "KubeletReady", "aws:///eu-central-1a/i-0c"),
        Node("general-i-0a", "general", "Unknown", "NodeStatusUnknown"),
        Node("general-i-0b", "general", "", ""),
    )


def test_a_cluster_without_nodes_is_no_failure_and_a_silent_api_is_one(programs: StandIns) -> None:
    programs.program("kubectl")
    assert list_nodes() == ()
    programs.program("kubectl", ("get nodes", 1, "connection refused\n"))
    with pytest.raises(Failure, match="connection refused"):
        list_nodes()
