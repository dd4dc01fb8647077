"""How workers come into service and go: tend-workers.sh with stand-ins for the programs that it calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.components.node.instance_metadata import METADATA, ROLE
from tests.components.node.node_machine import NodeMachine

pytestmark = pytest.mark.slow

GROUPS = (
    '<DescribeAutoScalingGroupsResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">'
    "<DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>test.general</AutoScalingGroupName>"
    "<Tags><member><Key>quorate:pool</Key><Value>general</Value></member></Tags><Instances>"
    "<member><InstanceId>i-0aaa</InstanceId><LifecycleState>InService</LifecycleState></member>"
    "<member><InstanceId>i-0bbb</InstanceId><LifecycleState>Terminating:Wait</LifecycleState></member>"
    "</Instances></member></AutoScalingGroups>{more}</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
)
NODES = "general-i-0aaa True\\ngeneral-i-0bbb True\\ngeneral-i-0ccc Unknown\\ngeneral-i-0ddd True\\n"


# kubectl whose drain of the first worker ends only when that of another, told to go meanwhile, has begun.
SLOW_DRAIN = """case "$*" in *"drain general-i-0bbb"*)
  sed -i 's/i-0aaa<.InstanceId><LifecycleState>InService/i-0aaa<\\/InstanceId><LifecycleState>Terminating:Wait/' \
    "$MACHINE/curl.answers"
  for _ in {1..300}; do grep -q "drain general-i-0aaa" "$MACHINE/calls" && break; sleep 0.1; done ;;
esac
"""


def tending(
    folder: Path,
    leader: str = "control-plane-0_1234",
    groups: str = GROUPS.format(more=""),
    node: tuple[int, str] = (0, "node/it"),
) -> NodeMachine:
    machine = NodeMachine(folder)
    kubectl = [("get lease", 0, leader), ("get nodes", 0, NODES), ("get node ", *node)]
    machine.prepare(
        ("common.sh", "parameter-store.sh", "worker-groups.sh", "tend-workers.sh"),
        {"MACHINE_NAME": "control-plane-0", "CLUSTER_NAME": "test"},
        {"curl": [("Action=Describe", 0, groups), *METADATA, *ROLE], "kubectl": kubectl},
    )
    return machine


def test_a_worker_that_its_group_will_terminate_is_drained_and_then_let_go(tmp_path: Path) -> None:
    machine = tending(tmp_path)
    outcome = machine.run("tend-workers.sh", BETWEEN_LOOKS_SECONDS="0.1")
    assert outcome.returncode == 0, outcome.stdout
    drains = [call for call in machine.calls("kubectl") if " drain " in call]
    assert len(drains) == 1
    assert "drain general-i-0bbb --ignore-daemonsets" in drains[0]
    (body,) = completed(machine)
    assert "InstanceId=i-0bbb" in body
    assert "AutoScalingGroupName=test.general" in body


def completed(machine: NodeMachine) -> list[str]:
    return [body for body in machine.bodies.splitlines() if "CompleteLifecycleAction" in body]


def test_a_worker_told_to_go_while_another_is_drained_does_not_wait_for_that(tmp_path: Path) -> None:
    machine = tending(tmp_path)
    kubectl = tmp_path / "programs" / "kubectl"
    shebang, rest = kubectl.read_text().split("\n", 1)
    kubectl.write_text(f'{shebang}\nprintf \'kubectl %s\\n\' "$*" >>"$MACHINE/calls"\n{SLOW_DRAIN}{rest}')
    assert machine.run("tend-workers.sh", BETWEEN_LOOKS_SECONDS="0.1").returncode == 0
    assert {body.split("InstanceId=")[1][:6] for body in completed(machine)} == {"i-0aaa", "i-0bbb"}


@pytest.mark.parametrize(("ready", "told"), [("True", 1), ("False", 0), ("", 0)])
def test_a_new_worker_comes_into_service_when_its_node_is_ready(ready: str, told: int, tmp_path: Path) -> None:
    machine = tending(tmp_path, groups=GROUPS.format(more="").replace("Terminating:Wait", "Pending:Wait"))
    answers = tmp_path / "kubectl.answers"
    answers.write_text(answers.read_text().replace("general-i-0bbb True", f"general-i-0bbb {ready}"))
    assert machine.run("tend-workers.sh").returncode == 0
    assert ["LifecycleHookName=join&InstanceId=i-0bbb" in body for body in completed(machine)] == [True] * told


def test_a_worker_that_is_dead_is_let_go_without_a_drain_that_would_never_end(tmp_path: Path) -> None:
    machine = tending(tmp_path)
    answers = tmp_path / "kubectl.answers"
    answers.write_text(answers.read_text().replace("general-i-0bbb True", "general-i-0bbb Unknown"))
    assert machine.run("tend-workers.sh").returncode == 0
    assert not [call for call in machine.calls("kubectl") if " drain " in call]
    assert len(completed(machine)) == 1


def test_a_machine_that_never_joined_is_let_go_at_once(tmp_path: Path) -> None:
    machine = tending(tmp_path, node=(0, ""))
    assert machine.run("tend-workers.sh", BETWEEN_LOOKS_SECONDS="0.1").returncode == 0
    assert not [call for call in machine.calls("kubectl") if " drain " in call]
    assert len(completed(machine)) == 1


def test_a_worker_is_not_let_go_undrained_because_the_api_was_silent(tmp_path: Path) -> None:
    machine = tending(tmp_path, node=(1, "timed out"))
    outcome = machine.run("tend-workers.sh", BETWEEN_LOOKS_SECONDS="0.1")
    assert "does not say whether general-i-0bbb has joined" in outcome.stdout
    assert completed(machine) == []


def test_the_node_of_an_instance_that_is_gone_is_removed_and_no_other(tmp_path: Path) -> None:
    machine = tending(tmp_path)
    machine.run("tend-workers.sh", BETWEEN_LOOKS_SECONDS="5")
    deleted = [call for call in machine.calls("kubectl") if "delete node" in call]
    assert {call.partition("delete node ")[2].split()[0] for call in deleted} == {"general-i-0ccc"}, (
        "the only one that is silent and in no group"
    )


def test_only_the_machine_whose_controller_manager_leads_does_anything(tmp_path: Path) -> None:
    machine = tending(tmp_path, leader="control-plane-00_1234")
    assert machine.run("tend-workers.sh").returncode == 0
    assert machine.calls("curl") == []


@pytest.mark.parametrize("groups", [GROUPS.format(more="<NextToken>more</NextToken>"), "<html>not Auto Scaling"])
def test_a_list_that_is_not_whole_makes_no_node_look_gone(groups: str, tmp_path: Path) -> None:
    machine = tending(tmp_path, groups=groups)
    assert machine.run("tend-workers.sh").returncode != 0
    assert not [call for call in machine.calls("kubectl") if "delete" in call]
