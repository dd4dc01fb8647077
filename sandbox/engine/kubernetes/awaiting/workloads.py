"""Readiness of Deployments, StatefulSets, DaemonSets, ReplicationControllers and Jobs. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.engine.kubernetes.awaiting.pods import display_name, pod_problems
from sandbox.engine.kubernetes.awaiting.verdict import CLAIMS, DEFAULT_SECONDS, PODS, REPLICA_SETS, Snapshot, Verdict
from sandbox.engine.kubernetes.objects import (
    MISSING,
    Kind,
    Object,
    annotation,
    condition,
    integer,
    lookup,
    name_of,
    owned_by,
    sequence,
    text,
)

REVISION = "deployment.kubernetes.io/revision"


def observed(obj: Object) -> bool:
    """Whether the controller has seen this generation, so that the status is about it."""
    return integer(obj, "status", "observedGeneration", default=-1) >= integer(obj, "metadata", "generation")


@dataclass(frozen=True)
class DeploymentCondition:
    """The current revision's ReplicaSet has its pods ready, and the Deployment says that it's available."""

    watched: tuple[Kind, ...] = (REPLICA_SETS, PODS, CLAIMS)
    seconds: float = DEFAULT_SECONDS

    def judge(self, snapshot: Snapshot) -> Verdict:
        obj = snapshot.obj
        revision = annotation(obj, REVISION) if observed(obj) else ""
        current = next(
            (
                entry for entry in snapshot.of(REPLICA_SETS)
                if revision and owned_by(entry, obj) and annotation(entry, REVISION) == revision
            ),
            None,
        )  # fmt: skip
        wanted = (
            integer(current, "spec", "replicas", default=1) if current else integer(obj, "spec", "replicas", default=1)
        )
        ready = integer(current, "status", "readyReplicas") if current else 0
        available = bool(revision) and condition(obj, "Available").get("status") == "True"
        progressing = condition(obj, "Progressing")
        rolled_out = progressing.get("status") == "True" and progressing.get("reason") == "NewReplicaSetAvailable"
        pods_ready = current is not None and ready >= wanted
        unbound = _unbound_claims(obj, snapshot)
        if available and pods_ready and not unbound and (rolled_out or revision == "1"):
            return Verdict(True, "✅ Deployment initialization complete")

        problems = [
            f"[{entry['reason']}] {text(entry.get('message'))}"
            for entry in (progressing, condition(obj, "Available"))
            if entry.get("reason") and entry.get("status") != "True"
        ]
        if unbound:
            problems.append(f'Failed to bind PersistentVolumeClaim(s): "{",".join(unbound)}"')
        if not available:
            problems.append("Minimum number of live Pods was not attained")
        elif revision == "1" or not rolled_out:
            problems.append("Minimum number of Pods to consider the application live was not attained")
        else:
            problems.append(
                "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live"
            )
        problems += pod_problems(snapshot.of(PODS), current or {})
        status = f"Waiting for app ReplicaSet to be available ({ready}/{wanted} Pods available)"
        return Verdict(False, status, tuple(dict.fromkeys(problems)))


def _unbound_claims(obj: Object, snapshot: Snapshot) -> list[str]:
    names = {
        lookup(volume, "persistentVolumeClaim", "claimName")
        for volume in sequence(obj, "spec", "template", "spec", "volumes")
    }
    return sorted(
        name_of(claim)
        for claim in snapshot.of(CLAIMS)
        if name_of(claim) in names and lookup(claim, "status", "phase") not in ("Bound", MISSING)
    )


@dataclass(frozen=True)
class StatefulSetCondition:
    """Every replica is ready and of the newest revision."""

    watched: tuple[Kind, ...] = (PODS,)
    seconds: float = DEFAULT_SECONDS

    def judge(self, snapshot: Snapshot) -> Verdict:
        obj = snapshot.obj
        wanted = integer(obj, "spec", "replicas", default=1)
        count = {
            name: integer(obj, "status", name)
            for name in ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas")
        }
        current, newest = text(lookup(obj, "status", "currentRevision")), text(lookup(obj, "status", "updateRevision"))
        updated = integer(obj, "metadata", "generation") > 1
        on_delete = updated and lookup(obj, "spec", "updateStrategy", "type") == "OnDelete"
        revision_ready = on_delete or (bool(current) and current == newest)
        replicas_ready = count["replicas"] == wanted == count["readyReplicas"] and (
            on_delete or count["currentReplicas"] == wanted
        )
        if observed(obj) and revision_ready and replicas_ready:
            return Verdict(True, "✅ StatefulSet initialization complete")
        ready = count["readyReplicas"] if revision_ready else min(count["readyReplicas"], count["updatedReplicas"])
        problems: list[str] = []
        if not replicas_ready:
            problems.append(f"{ready} out of {wanted} replicas succeeded readiness checks")
        if not revision_ready:
            problems.append(
                f'StatefulSet controller failed to advance from revision "{current}" to revision "{newest}"'
            )
        if not updated:
            status = f"[1/2] Waiting for StatefulSet to create Pods ({ready}/{wanted} Pods ready)"
        elif not replicas_ready:
            status = f"[1/3] Waiting for StatefulSet update to roll out ({ready}/{wanted} Pods ready)"
        else:
            status = "[2/3] Waiting for StatefulSet to update .status.currentRevision"
        return Verdict(False, status, (*problems, *pod_problems(snapshot.of(PODS), obj)))


@dataclass(frozen=True)
class DaemonSetCondition:
    """Every node that should run a pod has a current, available one."""

    watched: tuple[Kind, ...] = (PODS,)
    seconds: float = DEFAULT_SECONDS

    def judge(self, snapshot: Snapshot) -> Verdict:
        obj = snapshot.obj
        wanted = integer(obj, "status", "desiredNumberScheduled", default=-1)
        status = ""
        if not observed(obj):
            status = "DaemonSet generation is not observed yet"
        elif wanted < 0:
            status = "Missing .status.desiredNumberScheduled"
        else:
            for label, name in (
                ("Current", "currentNumberScheduled"),
                ("Updated", "updatedNumberScheduled"),
                ("Available", "numberAvailable"),
                ("Ready", "numberReady"),
            ):
                if integer(obj, "status", name) < wanted:
                    status = f"{label}: {integer(obj, 'status', name)}/{wanted}"
                    break
        if not status:
            return Verdict(True, f"✅ All replicas scheduled as expected. Replicas: {wanted}")
        return Verdict(False, status, (status, *pod_problems(snapshot.of(PODS), obj)))


@dataclass(frozen=True)
class JobCondition:
    """The job has completed; a failed one fails at once."""

    watched: tuple[Kind, ...] = (PODS,)
    seconds: float = DEFAULT_SECONDS

    def judge(self, snapshot: Snapshot) -> Verdict:
        obj = snapshot.obj
        name = display_name(obj)
        if condition(obj, "Complete").get("status") == "True":
            return Verdict(True)
        failure = condition(obj, "Failed")
        pods = pod_problems(snapshot.of(PODS), obj)
        if failure.get("status") == "True":
            problem = f"[{text(failure.get('reason'))}] {text(failure.get('message'))}"
            return Verdict(False, problem, (problem, *pods), failed=True)
        if lookup(obj, "status", "startTime") is MISSING:
            return Verdict(False, f'Waiting for Job "{name}" to start', pods)
        counts = " | ".join(
            f"{label}: {integer(obj, 'status', label.lower())}" for label in ("Active", "Succeeded", "Failed")
        )
        return Verdict(False, f'Waiting for Job "{name}" to succeed ({counts})', pods)


def judge_replication_controller(obj: Object) -> Verdict:
    wanted = integer(obj, "spec", "replicas", default=1)
    available = integer(obj, "status", "availableReplicas")
    if observed(obj) and available == wanted:
        return Verdict(True)
    problem = f"{available} of {wanted} replicas are available"
    return Verdict(False, f"Waiting for ReplicationController ({problem})", (problem,))
