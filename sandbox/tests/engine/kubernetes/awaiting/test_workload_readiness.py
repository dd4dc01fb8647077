"""Verdicts about objects as the cluster could show them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.engine.kubernetes.awaiting.pods import judge_pod
from sandbox.engine.kubernetes.awaiting.verdict import (
    CLAIMS,
    PODS,
    REPLICA_SETS,
    Snapshot,
)
from sandbox.engine.kubernetes.awaiting.workloads import (
    DaemonSetCondition,
    DeploymentCondition,
    JobCondition,
    StatefulSetCondition,
)
from sandbox.engine.kubernetes.objects import Object

REVISION = "deployment.kubernetes.io/revision"


def conditions(**statuses: str) -> list[dict[str, str]]:
    return [
        {"type": kind, "status": status.split(":")[0], "reason": status.partition(":")[2]}
        for kind, status in statuses.items()
    ]


def deployment(revision: str = "1", *, generation: int = 1, seen: int = 1, **statuses: str) -> Object:
    return {
        "metadata": {"name": "d", "uid": "d", "generation": generation, "annotations": {REVISION: revision}},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": seen, "conditions": conditions(**statuses)},
    }


def replica_set(revision: str, ready: int | None, wanted: int = 2, owner: str = "d") -> Object:
    status = {} if ready is None else {"readyReplicas": ready}
    metadata = {"uid": f"r{revision}", "annotations": {REVISION: revision}, "ownerReferences": [{"uid": owner}]}
    return {"metadata": metadata, "spec": {"replicas": wanted}, "status": status}


def judged(obj: Object, *sets: Object, **others: Any) -> Any:
    return DeploymentCondition().judge(Snapshot(obj, {REPLICA_SETS: sets, **others.get("more", {})}))


def test_a_first_rollout_is_done_with_its_pods() -> None:
    assert judged(deployment(Available="True"), replica_set("1", 2)).ready


@pytest.mark.parametrize(
    ("obj", "sets"),
    [
        (deployment(Available="False"), [replica_set("1", 2)]),
        (deployment(Available="True"), [replica_set("1", 1)]),
        (deployment(Available="True"), [replica_set("1", None)]),
        (deployment(Available="True"), [replica_set("1", 2, owner="other")]),
        (deployment(Available="True"), []),
        (deployment(Available="True", generation=2), [replica_set("1", 2)]),
        (deployment("2", Available="True", Progressing="True:ReplicaSetUpdated"), [replica_set("2", 2)]),
        (deployment("2", Available="True", Progressing="True:NewReplicaSetAvailable"), [replica_set("1", 2)]),
    ],
    ids=["unavailable", "half", "none ready", "of another", "no set", "not observed", "rolling", "old set"],
)
def test_a_deployment_is_not_ready_before_all_of_it_is(obj: Object, sets: list[Object]) -> None:
    verdict = judged(obj, *sets)
    assert not verdict.ready
    assert verdict.problems


def test_a_later_rollout_is_done_when_the_new_set_is_available() -> None:
    obj = deployment("2", Available="True", Progressing="True:NewReplicaSetAvailable")
    assert judged(obj, replica_set("1", 0, 0), replica_set("2", 2)).ready


def test_a_deployment_scaled_to_nothing_is_ready() -> None:
    assert judged(deployment(Available="True"), replica_set("1", None, 0)).ready


def test_a_deployment_waits_for_its_claims_and_only_those() -> None:
    obj = deployment(Available="True")
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "mine"}}]
    obj["spec"]["template"] = {"spec": {"volumes": volumes}}

    def with_claim(name: str) -> Any:
        claim = {"metadata": {"name": name}, "status": {"phase": "Pending"}}
        return judged(obj, replica_set("1", 2), more={CLAIMS: [claim]})

    assert 'Failed to bind PersistentVolumeClaim(s): "mine"' in with_claim("mine").problems
    assert with_claim("another").ready


def test_a_deployments_problems_name_the_container_that_fails() -> None:
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s"}
    pod = {
        "metadata": {"name": "p", "namespace": "space", "ownerReferences": [{"uid": "r1"}]},
        "status": {
            "conditions": conditions(PodScheduled="True", Initialized="True", Ready="False"),
            "containerStatuses": [{"name": "c", "ready": False, "state": {"waiting": waiting}}],
        },
    }
    stranger = {**pod, "metadata": {"name": "stranger", "ownerReferences": [{"uid": "x"}]}}
    found = judged(deployment(Available="False:Min"), replica_set("1", 0), more={PODS: [pod, stranger]}).problems
    assert any(problem == "[Pod space/p]: [CrashLoopBackOff] back-off 10s" for problem in found)
    assert not any("stranger" in problem for problem in found)


def stateful(**status: Any) -> Object:
    return {"metadata": {"generation": 1}, "spec": {"replicas": 2}, "status": {"observedGeneration": 1, **status}}


FULL = {"replicas": 2, "readyReplicas": 2, "currentReplicas": 2, "currentRevision": "a", "updateRevision": "a"}


def test_a_stateful_set_needs_every_replica_of_the_newest_revision() -> None:
    def judge(obj: Object) -> Any:
        return StatefulSetCondition().judge(Snapshot(obj))

    assert judge(stateful(**FULL)).ready
    assert not judge(stateful(**{**FULL, "readyReplicas": 1})).ready
    assert not judge(stateful(**{**FULL, "updateRevision": "b"})).ready
    assert not judge(stateful(**{**FULL, "observedGeneration": 0})).ready
    assert (
        "1 out of 2 replicas succeeded readiness checks" in judge(stateful(**{**FULL, "readyReplicas": 1})).problems[0]
    )


def test_a_stateful_set_updated_by_hand_is_not_waited_for() -> None:
    obj = stateful(**{**FULL, "updateRevision": "b", "observedGeneration": 2, "currentReplicas": 0})
    obj["metadata"]["generation"] = 2
    obj["spec"]["updateStrategy"] = {"type": "OnDelete"}
    assert StatefulSetCondition().judge(Snapshot(obj)).ready


@pytest.mark.parametrize(
    "missing", ["currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady"]
)
def test_a_daemon_set_counts_every_node(missing: str) -> None:
    names = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberReady",
    )
    status = {"observedGeneration": 1, **dict.fromkeys(names, 3)}
    obj = {"metadata": {"generation": 1}, "status": status}
    assert DaemonSetCondition().judge(Snapshot(obj)).ready
    assert not DaemonSetCondition().judge(Snapshot({**obj, "status": {**status, missing: 2}})).ready


def test_a_job_succeeds_fails_at_once_or_goes_on() -> None:
    def judge(*found: dict[str, str], **status: Any) -> Any:
        return JobCondition().judge(
            Snapshot({"metadata": {"name": "j"}, "status": {"conditions": list(found), **status}})
        )

    assert judge(*conditions(Complete="True")).ready
    failed = judge(*conditions(Failed="True:BackoffLimitExceeded"))
    assert failed.failed
    assert failed.problems[0].startswith("[BackoffLimitExceeded]")
    assert not judge(startTime="now", active=1).ready
    assert "Active: 1" in judge(startTime="now", active=1).status


def test_a_pod_is_ready_or_done() -> None:
    through = {"PodScheduled": "True", "Initialized": "True"}
    assert judge_pod({"status": {"conditions": conditions(**through, Ready="True")}}).ready
    assert judge_pod({"status": {"phase": "Succeeded", "conditions": conditions(**through, Ready="False")}}).ready
    assert not judge_pod({"status": {"conditions": conditions(**through, Ready="False")}}).ready
    assert not judge_pod({"status": {"conditions": conditions(PodScheduled="False")}}).ready
