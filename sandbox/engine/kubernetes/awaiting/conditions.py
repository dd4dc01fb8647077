"""Which condition an object waits for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.engine.kubernetes.awaiting.generic import WAIT_FOR, judge_anything, parse_wait_for
from sandbox.engine.kubernetes.awaiting.pods import judge_pod
from sandbox.engine.kubernetes.awaiting.services import IngressCondition, ServiceCondition
from sandbox.engine.kubernetes.awaiting.storage import ClaimCondition, judge_quota, judge_secret, judge_volume
from sandbox.engine.kubernetes.awaiting.verdict import Condition, Simple
from sandbox.engine.kubernetes.awaiting.workloads import (
    DaemonSetCondition,
    DeploymentCondition,
    JobCondition,
    StatefulSetCondition,
    judge_replication_controller,
)
from sandbox.engine.kubernetes.objects import annotation, kind_of

SKIP_AWAIT = "pulumi.com/skipAwait"
TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"
PROPAGATION = "pulumi.com/deletionPropagationPolicy"

_BY_KIND: dict[tuple[str, str], Condition] = {
    ("apps", "Deployment"): DeploymentCondition(),
    ("apps", "StatefulSet"): StatefulSetCondition(),
    ("apps", "DaemonSet"): DaemonSetCondition(),
    ("batch", "Job"): JobCondition(),
    ("networking.k8s.io", "Ingress"): IngressCondition(),
    ("", "Pod"): Simple(judge_pod),
    ("", "Service"): ServiceCondition(),
    ("", "PersistentVolume"): Simple(judge_volume, 300.0),
    ("", "PersistentVolumeClaim"): ClaimCondition(),
    ("", "ReplicationController"): Simple(judge_replication_controller),
    ("", "ResourceQuota"): Simple(judge_quota, 60.0),
    ("", "Secret"): Simple(judge_secret, 5.0),
}

# pulumi-kubernetes lets these alone skip the wait for their end too.
_MAY_SKIP_DELETION = frozenset(
    {
        ("", "Namespace"), ("", "Pod"), ("", "ReplicationController"), ("apps", "DaemonSet"), ("apps", "Deployment"),
        ("apps", "StatefulSet"), ("batch", "Job"),
    }
)  # fmt: skip

# Their readiness is not looked at on refresh.
_NOT_ON_READ = frozenset(
    {
        ("", "PersistentVolume"),
        ("", "PersistentVolumeClaim"),
        ("", "ReplicationController"),
        ("", "ResourceQuota"),
        ("", "Secret"),
    }
)


def condition_for(inputs: Mapping[str, Any], *, everything: bool = False, reading: bool = False) -> Condition | None:
    """What to wait for, None for nothing. `everything`: also kinds without a condition of their own.

    Raises WaitForError.
    """
    if annotation(inputs, SKIP_AWAIT) == "true":
        return None
    asked = annotation(inputs, WAIT_FOR)
    if asked:
        return parse_wait_for(asked)
    kind = kind_of(inputs)
    key = (kind.group, kind.kind)
    if reading and key in _NOT_ON_READ:
        return None
    return _BY_KIND.get(key) or (Simple(judge_anything) if everything else None)


def waits_for_deletion(inputs: Mapping[str, Any]) -> bool:
    kind = kind_of(inputs)
    return not (annotation(inputs, SKIP_AWAIT) == "true" and (kind.group, kind.kind) in _MAY_SKIP_DELETION)


def timeout_seconds(asked: float, inputs: Mapping[str, Any], default: float) -> float:
    """`customTimeouts` of the resource, else the annotation, else the kind's default."""
    if asked:
        return asked
    annotated = annotation(inputs, TIMEOUT_SECONDS)
    return float(annotated) if annotated.lstrip("-").isdigit() else default


def propagation(inputs: Mapping[str, Any]) -> str:
    """How what the object owns goes with it."""
    asked = annotation(inputs, PROPAGATION).lower()
    return {"orphan": "Orphan", "background": "Background"}.get(asked, "Foreground")
