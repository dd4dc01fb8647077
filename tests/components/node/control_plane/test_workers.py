"""How workers come into service and go: decisions, and whole runs against local AWS and a kubectl that stands in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from components.node.common import log
from components.node.common.failure import Failure
from components.node.control_plane import workers
from components.node.control_plane.nodes import Node
from components.node.control_plane.worker_groups import Instance
from components.node.control_plane.workers import Care, Decision, decide, is_holder
from tests.components.node.aws_services import LocalAws, aws_of_this_process
from tests.components.node.stand_ins import StandIns, stand_ins

HOLDER = "control-plane-0_1234"


def instance(state: str, id: str = "i-0bbb", pool: str = "general") -> Instance:
    return Instance(id, f"test.{pool}", pool, state)


def node(ready: str, id: str = "i-0bbb", pool: str = "general") -> Node:
    return Node(f"general-{id}", pool, ready)


@pytest.mark.parametrize("ready", ["True", "False", ""])
def test_a_worker_that_its_group_will_terminate_is_drained(ready: str) -> None:
    leaving = instance("Terminating:Wait")
    assert decide([leaving], [node(ready)], set()) == Decision(to_drain=(leaving,))


def test_a_drain_that_has_begun_is_not_begun_again() -> None:
    leaving, next_one = instance("Terminating:Wait"), instance("Terminating:Wait", "i-0ccc")
    nodes = [node("True"), node("True", "i-0ccc")]
    assert decide([leaving, next_one], nodes, {"i-0bbb"}) == Decision(to_drain=(next_one,))


@pytest.mark.parametrize("draining", [set(), {"i-0bbb"}])
def test_a_silent_worker_goes_without_a_drain_even_when_one_has_begun(draining: set[str]) -> None:
    leaving = instance("Terminating:Wait")
    assert decide([leaving], [node("Unknown")], draining) == Decision(silent=(leaving,))


def test_a_machine_that_never_joined_goes_at_once() -> None:
    leaving = instance("Terminating:Wait")
    assert decide([leaving], [node("True", "i-0ccc")], set()) == Decision(never_joined=(leaving,))


def test_a_node_whose_pool_label_was_removed_is_drained_nevertheless() -> None:
    leaving = instance("Terminating:Wait")
    assert decide([leaving], [node("True", pool="")], set()) == Decision(to_drain=(leaving,))


@pytest.mark.parametrize(("ready", "comes"), [("True", True), ("False", False), ("Unknown", False), ("", False)])
def test_a_new_worker_comes_into_service_when_its_node_is_ready(ready: str, comes: bool) -> None:
    new = instance("Pending:Wait")
    assert decide([new], [node(ready)], set()) == Decision(into_service=(new,) if comes else ())


@pytest.mark.parametrize("state", ["Pending", "InService", "Terminating", "Terminating:Proceed", "Standby"])
def test_in_any_other_state_an_instance_is_left_alone(state: str) -> None:
    assert decide([instance(state)], [node("Unknown")], set()) == Decision()


@pytest.mark.parametrize(("ready", "gone"), [("Unknown", True), ("False", True), ("", True), ("True", False)])
def test_the_node_of_an_instance_that_is_gone_is_removed_unless_its_kubelet_reports(ready: str, gone: bool) -> None:
    assert decide([], [node(ready)], set()) == Decision(gone=("general-i-0bbb",) if gone else ())


def test_control_planes_are_never_gone() -> None:
    assert decide([], [Node("control-plane-1", "", "Unknown")], set()) == Decision()


def test_an_instance_whose_group_lost_its_pools_tag_keeps_its_node() -> None:
    assert decide([instance("InService", pool="")], [node("Unknown")], set()) == Decision()


def test_one_id_that_begins_like_another_is_no_instance() -> None:
    assert decide([instance("InService", "i-0bbbc")], [node("Unknown")], set()) == Decision(gone=("general-i-0bbb",))


@pytest.mark.parametrize(("known", "learns"), [("", True), ("aws:///eu-central-1a/i-0bbb", False)])
def test_only_a_node_that_does_not_know_its_instance_learns_it(known: str, learns: bool) -> None:
    placed = Instance("i-0bbb", "test.general", "general", "InService", "eu-central-1a")
    nodes = [Node("general-i-0bbb", "general", "True", "", known)]
    assert decide([placed], nodes, set()) == Decision(unnamed=(placed,) if learns else ())


def test_a_node_whose_instance_has_no_known_zone_is_not_named_wrongly() -> None:
    assert decide([instance("InService")], [node("True")], set()) == Decision()


@pytest.mark.parametrize(
    ("holder", "leads"),
    [
        (HOLDER, True),
        ("control-plane-00_1234", False),
        ("control-plane-_0", False),
        ("control-plane-0", True),
        ("", False),
    ],
)
def test_only_the_exact_machine_holds_a_lease(holder: str, leads: bool) -> None:
    assert is_holder(holder, "control-plane-0") is leads


@dataclass
class Cluster:
    """A group `general` with `states` of its instances, and the nodes that kubectl lists."""

    programs: StandIns
    aws: LocalAws
    logs: Path
    states: dict[str, str] = field(default_factory=dict)
    ended: list[tuple[str, str]] = field(default_factory=list)
    refusals: int = 0

    def scaling(self, query: dict[str, str]) -> tuple[int, str]:
        if query["Action"] == "CompleteLifecycleAction":
            if self.refusals:
                self.refusals -= 1
                return 400, "<E><Code>ValidationError</Code><Message>No active Lifecycle Action found</Message></E>"
            self.ended.append((query["InstanceId"], query["LifecycleHookName"]))
            self.states[query["InstanceId"]] = "Terminating:Proceed"
            return 200, "<CompleteLifecycleActionResponse/>"
        members = "".join(
            f"<member><InstanceId>{id}</InstanceId><LifecycleState>{state}</LifecycleState>"
            "<AvailabilityZone>eu-central-1a</AvailabilityZone></member>"
            for id, state in self.states.items()
        )
        return 200, (
            "<R><DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>test.general"
            "</AutoScalingGroupName><Tags><member><Key>quorate:pool</Key><Value>general</Value></member></Tags>"
            f"<Instances>{members}</Instances></member></AutoScalingGroups></DescribeAutoScalingGroupsResult></R>"
        )

    def kubectl(self, *answers: tuple[str, int, str], holder: str = HOLDER, before: str = "") -> None:
        defaults = (("get lease", 0, holder), ("get nodes", 0, "general-i-0aaa\tgeneral\tTrue\tKubeletReady\n"))
        self.programs.program("kubectl", *answers, *defaults, before=before)

    def tend(self) -> None:
        care = Care("test", "control-plane-0")
        if care.leads():
            care.run(between_looks=0.05)

    @property
    def log(self) -> str:
        return (self.logs / "tend-workers.log").read_text()


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    log.begin_log("tend-workers")
    with aws_of_this_process(monkeypatch) as aws:
        cluster = Cluster(stand_ins(tmp_path / "programs", monkeypatch), aws, tmp_path / "logs")
        aws.scaling = cluster.scaling
        cluster.kubectl()
        yield cluster


def test_a_worker_is_let_go_when_its_drain_has_ended(cluster: Cluster) -> None:
    cluster.states = {"i-0aaa": "Terminating:Wait"}
    cluster.tend()
    (drain,) = cluster.programs.calls_with(" drain ")
    assert "drain general-i-0aaa --ignore-daemonsets --delete-emptydir-data --force --timeout 240s" in drain
    assert cluster.ended == [("i-0aaa", "drain")]


def test_a_worker_asked_to_leave_while_another_is_drained_does_not_wait_for_that(cluster: Cluster) -> None:
    nodes = "general-i-0aaa\tgeneral\tTrue\tx\ngeneral-i-0bbb\tgeneral\tTrue\tx\n"
    # The first drain ends only when the second has begun.
    cluster.kubectl(
        ("get nodes", 0, nodes),
        before='[[ "$call" != *"drain general-i-0aaa"* ]] || for _ in {1..200}; do'
        ' grep -q "drain general-i-0bbb" "$STAND_INS/calls" && break; sleep 0.05; done',
    )
    cluster.states = {"i-0aaa": "Terminating:Wait", "i-0bbb": "InService"}
    describe = cluster.scaling

    def scaling(query: dict[str, str]) -> tuple[int, str]:
        answer = describe(query)
        if cluster.states["i-0bbb"] == "InService":
            cluster.states["i-0bbb"] = "Terminating:Wait"
        return answer

    cluster.aws.scaling = scaling
    began = time.monotonic()
    cluster.tend()
    assert sorted(cluster.ended) == [("i-0aaa", "drain"), ("i-0bbb", "drain")]
    assert time.monotonic() - began < 9


def test_a_worker_that_falls_silent_while_it_is_drained_goes_once_and_its_drain_ends(cluster: Cluster) -> None:
    cluster.kubectl(
        before='case "$call" in *" drain "*) touch "$STAND_INS/draining"; exec sleep 60 ;;\n'
        '*"get nodes"*) if [[ -e "$STAND_INS/draining" ]]; then\n'
        '  printf "general-i-0aaa\\tgeneral\\tUnknown\\tx\\n"; exit 0\nfi ;; esac'
    )
    cluster.states = {"i-0aaa": "Terminating:Wait"}
    began = time.monotonic()
    cluster.tend()
    assert time.monotonic() - began < 30
    assert cluster.ended == [("i-0aaa", "drain")]
    assert "it goes without a drain" in cluster.log


def test_a_new_worker_comes_into_service_and_a_machine_that_never_joined_goes(cluster: Cluster) -> None:
    cluster.states = {"i-0aaa": "Pending:Wait", "i-0bbb": "Terminating:Wait"}
    cluster.tend()
    assert cluster.ended == [("i-0aaa", "join"), ("i-0bbb", "drain")]
    assert cluster.programs.calls_with(" drain ") == []


def test_a_refused_end_of_a_wait_is_reported_with_its_reason_and_others_are_looked_after(cluster: Cluster) -> None:
    cluster.states = {"i-0aaa": "Pending:Wait", "i-0bbb": "Terminating:Wait"}
    cluster.refusals = 1
    cluster.tend()
    assert "did not take the end of the wait of i-0aaa (hook join): " in cluster.log
    assert "ValidationError: No active Lifecycle Action found" in cluster.log
    assert cluster.ended == [("i-0bbb", "drain")]


def test_the_node_of_an_instance_that_is_gone_is_deleted(cluster: Cluster) -> None:
    cluster.kubectl(("get nodes", 0, "general-i-0ccc\tgeneral\tUnknown\tx\ngeneral-i-0ddd\tgeneral\tTrue\tx\n"))
    cluster.tend()
    (deleted,) = cluster.programs.calls_with("delete")
    assert "delete node general-i-0ccc --ignore-not-found" in deleted


def test_a_worker_of_an_earlier_release_learns_which_instance_it_is(cluster: Cluster) -> None:
    cluster.states = {"i-0aaa": "InService"}
    cluster.tend()
    (patch,) = cluster.programs.calls_with(" patch ")
    assert patch.endswith(
        'patch node general-i-0aaa --type merge --patch {"spec": {"providerID": "aws:///eu-central-1a/i-0aaa"}}'
    )


def test_a_node_that_takes_no_instance_keeps_nobody_from_being_drained(cluster: Cluster) -> None:
    cluster.kubectl((" patch ", 1, "no\n"))
    cluster.states = {"i-0aaa": "Terminating:Wait"}
    cluster.tend()
    assert "general-i-0aaa did not take its instance's id: " in cluster.log
    assert cluster.ended == [("i-0aaa", "drain")]


def test_a_machine_that_does_not_lead_asks_for_nothing_else(cluster: Cluster) -> None:
    cluster.kubectl(holder="control-plane-1_1234")
    cluster.tend()
    assert len(cluster.programs.calls) == 1
    assert cluster.aws.calls == []


def test_while_the_api_is_silent_nobody_is_let_go(cluster: Cluster) -> None:
    cluster.states = {"i-0aaa": "Terminating:Wait"}
    cluster.kubectl(("get nodes", 1, "timed out\n"))
    with pytest.raises(Failure, match="timed out"):
        cluster.tend()
    assert cluster.ended == []


def test_a_list_of_instances_that_is_not_whole_removes_no_node(cluster: Cluster) -> None:
    cluster.kubectl(("get nodes", 0, "general-i-0ccc\tgeneral\tUnknown\tx\n"))
    cluster.aws.refusals = [(200, "<html>not Auto Scaling</html>")]
    with pytest.raises(Failure, match="has another form"):
        cluster.tend()
    assert cluster.programs.calls_with("delete") == []


def test_a_look_that_fails_while_a_drain_runs_ends_neither(cluster: Cluster) -> None:
    # The second list of nodes fails; the drain waits until a third was asked for.
    cluster.kubectl(
        before='looks="$(grep -c "get nodes" "$STAND_INS/calls")"\n'
        'case "$call" in *"get nodes"*) if ((looks == 2)); then echo "timed out" >&2; exit 1; fi ;;\n'
        '*" drain "*) for _ in {1..200}; do\n'
        '  (($(grep -c "get nodes" "$STAND_INS/calls") > 2)) && break; sleep 0.05\ndone ;; esac'
    )
    cluster.states = {"i-0aaa": "Terminating:Wait"}
    cluster.tend()
    assert "timed out; the drains go on" in cluster.log
    assert cluster.ended == [("i-0aaa", "drain")]


def test_the_step_reads_who_it_is_from_the_machines_environment(cluster: Cluster) -> None:
    cluster.states = {"i-0aaa": "Pending:Wait"}
    workers.tend({"MACHINE_NAME": "control-plane-0", "CLUSTER_NAME": "test"})
    assert cluster.ended == [("i-0aaa", "join")]
