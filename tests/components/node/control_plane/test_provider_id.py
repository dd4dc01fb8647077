"""Which instance the Node of a control plane is, with a kubectl that stands in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.node.common.failure import Failure
from components.node.control_plane.provider_id import correct_provider_id, own_provider_id
from tests.components.node.aws_services import LocalAws, aws_of_this_process
from tests.components.node.control_plane.control_plane import PROVIDER_ID, Prepared, prepared


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    return prepared(tmp_path, monkeypatch)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    with aws_of_this_process(monkeypatch) as aws:
        yield aws


def of_node(**spec: str) -> tuple[str, int, str]:
    metadata = {"name": "control-plane-0", "uid": "u", "resourceVersion": "7", "labels": {"a": "b"}}
    return "get node control-plane-0", 0, json.dumps({"metadata": metadata, "spec": spec})


def test_a_machine_knows_its_instance_by_its_metadata(aws: LocalAws) -> None:
    assert own_provider_id(seconds=0) == "aws:///eu-central-1b/i-0abc"


@pytest.mark.parametrize(("path", "text"), [("instance-id", "<html>"), ("placement/availability-zone", "a\nb: c")])
def test_what_is_no_instance_or_no_zone_reaches_no_node(path: str, text: str, aws: LocalAws) -> None:
    aws.metadata[path] = text
    with pytest.raises(Failure, match="names no zone and instance but"):
        own_provider_id(seconds=0)


def test_a_node_that_says_which_instance_it_is_is_left_alone(node: Prepared) -> None:
    correct_provider_id(node.machine, PROVIDER_ID)
    assert [call.split()[4] for call in node.programs.calls] == ["get"]


def test_a_node_of_an_earlier_release_learns_which_instance_it_is(node: Prepared) -> None:
    node.programs.program("kubectl", of_node(podCIDR="10.244.0.0/24"))
    correct_provider_id(node.machine, PROVIDER_ID)
    (patch,) = node.programs.calls_with("patch")
    assert patch.endswith(
        'patch node control-plane-0 --type merge --patch {"spec": {"providerID": "aws:///eu-central-1b/i-0abc"}}'
    )


def test_a_node_that_outlived_its_instance_is_made_again_with_all_that_it_had(node: Prepared) -> None:
    node.programs.program("kubectl", of_node(podCIDR="10.244.0.0/24", providerID="aws:///eu-central-1b/i-0old"))
    correct_provider_id(node.machine, PROVIDER_ID)
    assert node.programs.calls_with("replace --force --filename -")
    assert json.loads(node.programs.given) == {
        "metadata": {"name": "control-plane-0", "labels": {"a": "b"}},
        "spec": {"podCIDR": "10.244.0.0/24", "providerID": PROVIDER_ID},
    }


def test_a_node_that_a_run_which_was_cut_off_left_deleted_is_registered_again(node: Prepared) -> None:
    (_, _, found) = of_node(providerID=PROVIDER_ID)
    node.programs.program("kubectl", before=f"[[ ! -e $STAND_INS/restarted ]] || {{ echo '{found}'; exit; }}")
    node.programs.program("systemctl", before='touch "$STAND_INS/restarted"')
    correct_provider_id(node.machine, PROVIDER_ID)
    assert "systemctl restart kubelet" in node.programs.calls
    (marked,) = node.programs.calls_with("kubeadm")
    assert marked.startswith("kubeadm init phase mark-control-plane --config ")


def test_an_api_that_is_just_starting_is_waited_for(node: Prepared) -> None:
    node.programs.program(
        "kubectl", of_node(providerID=PROVIDER_ID), before='[[ $(wc -l <"$STAND_INS/calls") -gt 1 ]] || exit 1'
    )
    correct_provider_id(node.machine, PROVIDER_ID)
    assert len(node.programs.calls) == 2


def test_a_node_that_is_not_registered_in_time_is_named(node: Prepared) -> None:
    node.programs.program("kubectl")
    with pytest.raises(Failure, match=r"waited 0s for node control-plane-0 to be registered; .* knows no such node"):
        correct_provider_id(node.machine, PROVIDER_ID, seconds=0)
