"""Readiness of volumes, claims, quotas and generated secrets. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.engine.kubernetes.awaiting.verdict import STORAGE_CLASSES, Snapshot, Verdict
from sandbox.engine.kubernetes.objects import Kind, Object, lookup, mapping, name_of, text


def judge_volume(obj: Object) -> Verdict:
    phase = text(lookup(obj, "status", "phase"))
    if phase in ("Available", "Bound"):
        return Verdict(True, "✅ PV marked available" if phase == "Available" else "✅ PV has been bound")
    return Verdict(False, "Waiting for the PersistentVolume to be available", (f"status.phase is {phase!r}",))


@dataclass(frozen=True)
class ClaimCondition:
    """Bound, or pending where the storage class waits for the first pod that uses it."""

    watched: tuple[Kind, ...] = (STORAGE_CLASSES,)
    seconds: float = 300.0

    def judge(self, snapshot: Snapshot) -> Verdict:
        claim = snapshot.obj
        phase = text(lookup(claim, "status", "phase"))
        wanted = lookup(claim, "spec", "storageClassName")
        storage_class = next((entry for entry in snapshot.of(STORAGE_CLASSES) if name_of(entry) == wanted), {})
        waits_for_pod = storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"
        if phase == "Bound" or (waits_for_pod and phase == "Pending"):
            return Verdict(True)
        problem = f"PersistentVolumeClaim [{name_of(claim)}] is not ready: status.phase is {phase!r}"
        return Verdict(False, "Waiting for the PersistentVolumeClaim to be bound", (problem,))


def judge_quota(obj: Object) -> Verdict:
    ready = mapping(obj, "spec", "hard") == mapping(obj, "status", "hard")
    return Verdict(
        ready, "Waiting for the quota to be in force", () if ready else ("status.hard differs from spec.hard",)
    )


def judge_secret(obj: Object) -> Verdict:
    """A service account's token is filled in by a controller; other secrets are what they are."""
    ready = obj.get("type") != "kubernetes.io/service-account-token" or bool(mapping(obj, "data"))
    return Verdict(
        ready, "Waiting for the token", () if ready else ("the token controller has not filled in the secret",)
    )
