"""Verdicts about objects as the cluster could show them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.engine.kubernetes.awaiting.conditions import (
    condition_for,
    propagation,
    timeout_seconds,
    waits_for_deletion,
)
from sandbox.engine.kubernetes.awaiting.generic import WaitForError, judge_anything, parse_wait_for
from sandbox.engine.kubernetes.awaiting.services import IngressCondition, ServiceCondition
from sandbox.engine.kubernetes.awaiting.storage import ClaimCondition, judge_quota, judge_secret, judge_volume
from sandbox.engine.kubernetes.awaiting.verdict import (
    ENDPOINTS,
    SERVICES,
    STORAGE_CLASSES,
    Snapshot,
)
from sandbox.engine.kubernetes.awaiting.workloads import (
    DeploymentCondition,
    judge_replication_controller,
)
from sandbox.engine.kubernetes.objects import Object


def conditions(**statuses: str) -> list[dict[str, str]]:
    return [
        {"type": kind, "status": status.split(":")[0], "reason": status.partition(":")[2]}
        for kind, status in statuses.items()
    ]


def service(**spec: Any) -> Object:
    return {"metadata": {"name": "s"}, "spec": {"selector": {"a": "a"}, "clusterIP": "10.0.0.1", **spec}}


def endpoints(*, waiting: bool, version: str = "1") -> Object:
    subset = {"notReadyAddresses": [{"ip": "1.1.1.1"}]} if waiting else {"addresses": [{"ip": "1.1.1.1"}]}
    return {"metadata": {"name": "s", "resourceVersion": version}, "subsets": [subset]}


def test_a_service_waits_for_pods_that_are_becoming_ready() -> None:
    def judge(obj: Object, *found: Object) -> Any:
        return ServiceCondition().judge(Snapshot(obj, {ENDPOINTS: found}))

    assert not judge(service()).ready
    assert not judge(service(), endpoints(waiting=True)).ready
    assert judge(service(), endpoints(waiting=False, version="7")).settle_key == "7"
    assert judge(service(), endpoints(waiting=False)).settle_seconds > 0
    cases: list[dict[str, Any]] = [{"selector": {}}, {"clusterIP": "None"}, {"type": "ExternalName"}]
    for spec in cases:
        verdict = judge(service(**spec))
        assert verdict.ready
        assert verdict.settle_seconds == 0


def test_a_balanced_service_waits_for_an_address() -> None:
    obj = service(type="LoadBalancer")
    found = {ENDPOINTS: [endpoints(waiting=False)]}
    assert "does your cloud provider support this" in ServiceCondition().judge(Snapshot(obj, found)).problems[0]
    obj["status"] = {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}
    assert ServiceCondition().judge(Snapshot(obj, found)).ready


def test_an_ingress_waits_for_its_services_and_an_address() -> None:
    path = {"path": "/", "backend": {"service": {"name": "s"}}}
    obj: Object = {"spec": {"rules": [{"host": "h", "http": {"paths": [path]}}]}}
    found = {SERVICES: [service()], ENDPOINTS: [endpoints(waiting=False)]}
    judge = IngressCondition().judge
    assert judge(Snapshot(obj)).problems == ("h/: service 's' does not exist",)
    assert "loadBalancer" in judge(Snapshot(obj, found)).problems[0]
    obj["status"] = {"loadBalancer": {"ingress": [{"hostname": "x"}]}}
    assert judge(Snapshot(obj, found)).ready
    assert not judge(Snapshot(obj, {**found, ENDPOINTS: [endpoints(waiting=True)]})).ready


def test_a_claim_is_bound_or_waits_for_its_first_pod() -> None:
    claim = {"metadata": {"name": "c"}, "spec": {"storageClassName": "late"}, "status": {"phase": "Pending"}}
    late = {"metadata": {"name": "late"}, "volumeBindingMode": "WaitForFirstConsumer"}
    assert not ClaimCondition().judge(Snapshot(claim)).ready
    assert ClaimCondition().judge(Snapshot(claim, {STORAGE_CLASSES: [late]})).ready
    assert ClaimCondition().judge(Snapshot({**claim, "status": {"phase": "Bound"}})).ready


def test_volumes_quotas_tokens_and_replication_controllers_have_conditions_of_their_own() -> None:
    assert judge_volume({"status": {"phase": "Available"}}).ready
    assert not judge_volume({"status": {"phase": "Pending"}}).ready
    assert judge_quota({"spec": {"hard": {"pods": "1"}}, "status": {"hard": {"pods": "1"}}}).ready
    assert not judge_quota({"spec": {"hard": {"pods": "1"}}}).ready
    assert judge_secret({"type": "Opaque"}).ready
    assert not judge_secret({"type": "kubernetes.io/service-account-token"}).ready
    controller = {"spec": {"replicas": 2}, "status": {"availableReplicas": 2, "observedGeneration": 1}}
    assert judge_replication_controller(controller).ready
    assert not judge_replication_controller({**controller, "spec": {"replicas": 3}}).ready


def annotated(**annotations: str) -> Object:
    metadata = {"annotations": {f"pulumi.com/{key}": value for key, value in annotations.items()}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}


def test_annotations_change_what_is_waited_for() -> None:
    assert isinstance(condition_for(annotated()), DeploymentCondition)
    assert condition_for(annotated(skipAwait="true")) is None
    assert condition_for({"apiVersion": "v1", "kind": "ConfigMap"}) is None
    assert condition_for({"apiVersion": "v1", "kind": "ConfigMap"}, everything=True) is not None
    assert not waits_for_deletion(annotated(skipAwait="true"))
    assert waits_for_deletion({**annotated(skipAwait="true"), "kind": "ReplicaSet"})
    assert propagation(annotated(deletionPropagationPolicy="orphan")) == "Orphan"
    assert propagation(annotated()) == "Foreground"


def test_custom_timeouts_win_over_the_annotation_and_that_over_the_default() -> None:
    assert timeout_seconds(5, annotated(timeoutSeconds="7"), 9) == 5
    assert timeout_seconds(0, annotated(timeoutSeconds="7"), 9) == 7
    assert timeout_seconds(0, annotated(timeoutSeconds="soon"), 9) == 9


@pytest.mark.parametrize(
    ("expression", "met"),
    [
        ("condition=Ready", True),
        ("condition=Ready=true", True),
        ("condition=Synced", False),
        ("condition=Other", False),
        ("jsonpath={.status.phase}=Running", True),
        ("jsonpath={.status.phase}", True),
        ("jsonpath=.status.list[0].n=1", True),
        ("jsonpath={.status['phase']}=Stopped", False),
        ("jsonpath={.status.list[3]}", False),
        ('["condition=Ready", "jsonpath={.status.phase}=Running"]', True),
        ('["condition=Ready", "condition=Synced"]', False),
    ],
)
def test_wait_for_expressions(expression: str, met: bool) -> None:
    status = {"phase": "Running", "list": [{"n": 1}], "conditions": conditions(Ready="True", Synced="False")}
    assert parse_wait_for(expression).judge(Snapshot({"status": status})).ready == met


@pytest.mark.parametrize("expression", ["ready", "[]", "jsonpath={.items[*].name}", "jsonpath={range .a}"])
def test_expressions_that_cannot_be_honoured_are_refused(expression: str) -> None:
    with pytest.raises(WaitForError):
        parse_wait_for(expression)


def test_any_object_that_reports_trouble_is_not_ready() -> None:
    assert judge_anything({}).ready
    assert not judge_anything({"status": {"conditions": conditions(Ready="False")}}).ready
    assert not judge_anything({"status": {"conditions": conditions(Stalled="True")}}).ready
    assert not judge_anything({"metadata": {"generation": 2}, "status": {"observedGeneration": 1}}).ready
