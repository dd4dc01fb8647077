"""How workers join, how their credentials are renewed, and how they go: the scripts with stand-ins for programs."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from components.bootstrap.kubeadm_documents import worker_join
from components.settings.model import WorkerPoolSettings
from tests.components.bootstrap.node_machine import NodeMachine

TOKEN = "abcdef.0123456789abcdef"
CREDENTIALS = r'{"AccessKeyId": "ASIA1", "SecretAccessKey": "hidden-key", "Token": "hidden-session"}'
METADATA = [
    ("api/token", 0, "metadata-token"),
    ("meta-data/placement/region", 0, "eu-central-1"),
    ("meta-data/instance-id", 0, "i-0abc"),
    ("meta-data/placement/availability-zone", 0, "eu-central-1b"),
]
# The roles' listing and the credentials differ by what follows the slash only.
ROLE = [("security-credentials/nodes", 0, CREDENTIALS), ("security-credentials/", 0, "nodes")]
WORKER = {
    "ROLE": "worker", "POOL_NAME": "general", "API_ENDPOINT_NAME": "api.test.internal", "KUBERNETES_VERSION": "1.36.4",
    "JOIN_PARAMETER": "/quorate/test/workers/join",
}  # fmt: skip
WORKER_SCRIPTS = ("common.sh", "kubeadm-common.sh", "parameter-store.sh", "join-worker.sh")
# kubeadm that shows what it was told to join by.
JOINING = """#!/bin/bash
echo "kubeadm $*" >>"$MACHINE/calls"
cp "$QUORATE_RUN/discovery.conf" "$MACHINE/discovery"
cp "$3" "$MACHINE/document"
"""


def parameter(value: str) -> tuple[str, int, str]:
    return ("GetParameter", 0, f'{{"Parameter": {{"Value": "{value}"}}}}')


def worker(folder: Path, parameter_answer: tuple[str, int, str]) -> NodeMachine:
    machine = NodeMachine(folder)
    curl = [parameter_answer, *METADATA, *ROLE, ("/readyz", 0, "ok")]
    machine.prepare(
        WORKER_SCRIPTS, WORKER, {"curl": curl, "systemctl": [], "kubeadm": [], "journalctl": [], "crictl": []}
    )
    (folder / "programs" / "kubeadm").write_text(JOINING)
    (folder / "etc" / "pki" / "ca.crt").write_text("the authority\n")
    (folder / "etc" / "join.yaml").write_text(worker_join(WorkerPoolSettings(name="general"), "eu-central-1"))
    return machine


def test_a_worker_joins_under_its_pools_name_by_the_pinned_authority(tmp_path: Path) -> None:
    machine = worker(tmp_path, parameter(TOKEN))
    outcome = machine.run("join-worker.sh")
    assert outcome.returncode == 0, outcome.stdout
    (call,) = machine.calls("kubeadm")
    assert "--node-name general-i-0abc" in call
    discovery = (tmp_path / "discovery").read_text()
    assert "server: https://api.test.internal:6443" in discovery
    assert f"user: {{token: {TOKEN}}}" in discovery
    assert base64.b64encode(b"the authority\n").decode() in discovery
    assert "enable --quiet kubelet" in machine.calls("systemctl")
    assert not (tmp_path / "run" / "discovery.conf").exists(), "the token stays on no disk"


def test_a_worker_registers_with_the_zone_that_its_metadata_names(tmp_path: Path) -> None:
    machine = worker(tmp_path, parameter(TOKEN))
    machine.run("join-worker.sh")
    pools = (tmp_path / "etc" / "join.yaml").read_text()
    assert "topology.kubernetes.io/zone=ZONE_OF_THE_MACHINE\n" in pools
    assert (tmp_path / "document").read_text() == pools.replace("ZONE_OF_THE_MACHINE", "eu-central-1b")


def test_no_credential_of_a_join_is_in_a_log_or_a_command_line(tmp_path: Path) -> None:
    machine = worker(tmp_path, parameter(TOKEN))
    outcome = machine.run("join-worker.sh")
    for secret in (TOKEN, "hidden-key", "hidden-session"):
        assert secret not in machine.public_text() + outcome.stdout + outcome.stderr
    assert "hidden-key" in (tmp_path / "configurations").read_text(), "else the request was not signed at all"


def test_a_worker_that_has_joined_does_nothing_at_the_next_boot(tmp_path: Path) -> None:
    machine = worker(tmp_path, parameter(TOKEN))
    machine.run("join-worker.sh")
    before = machine.calls("kubeadm")
    assert machine.run("join-worker.sh").returncode == 0
    assert machine.calls("kubeadm") == before


def test_a_worker_waits_for_credentials_and_says_whose_turn_it_is(tmp_path: Path) -> None:
    machine = worker(tmp_path, parameter("none-yet"))
    outcome = machine.run("join-worker.sh", CLUSTER_SECONDS="1")
    assert outcome.returncode != 0
    assert "no control plane has written any" in outcome.stdout
    assert machine.calls("kubeadm") == []


def test_a_worker_whose_role_may_not_read_says_so(tmp_path: Path) -> None:
    machine = worker(tmp_path, ("GetParameter", 22, '{"__type": "AccessDeniedException"}'))
    outcome = machine.run("join-worker.sh", CLUSTER_SECONDS="1")
    assert outcome.returncode != 0
    assert "AccessDeniedException" in outcome.stdout


def test_new_credentials_reach_the_parameter_and_no_log(tmp_path: Path) -> None:
    machine = NodeMachine(tmp_path)
    machine.prepare(
        ("common.sh", "parameter-store.sh", "renew-join-credentials.sh"),
        {"MACHINE_NAME": "control-plane-1", "JOIN_PARAMETER": "/quorate/test/workers/join"},
        {"curl": [("PutParameter", 0, "{}"), *METADATA, *ROLE], "kubeadm": [("token create", 0, f"{TOKEN}\\n")]},
    )
    outcome = machine.run("renew-join-credentials.sh")
    assert outcome.returncode == 0, outcome.stdout
    (call,) = machine.calls("kubeadm")
    assert "--ttl 20m" in call
    assert f'"Value": "{TOKEN}"' in machine.bodies
    assert '"Type": "SecureString"' in machine.bodies
    assert TOKEN not in machine.public_text() + outcome.stdout


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
