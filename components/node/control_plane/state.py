"""What is on a control-plane machine, and what follows from it. Decisions are pure functions of what was observed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from components.node.common.failure import Failure
from components.node.common.files import content_of
from components.node.control_plane.documents import kubernetes_version, read_documents
from components.node.control_plane.this_machine import Folders
from components.node.etcd.cluster_mark import check_mark


class State(StrEnum):
    RUNNING = "running"
    HALF_DONE = "half-done"
    BLANK = "blank"


class Entry(StrEnum):
    """How a machine becomes a part of its cluster."""

    INITIALIZE = "initialize"
    JOIN = "join"


@dataclass(frozen=True)
class Observed:
    """What kubeadm and earlier runs left on a machine."""

    applied: bool = False
    administrator: bool = False
    kubeconfigs: bool = False
    manifests: bool = False
    kubelet: bool = False


def observe(folders: Folders) -> Observed:
    return Observed(
        applied=folders.applied.exists(),
        administrator=(folders.kubernetes / "admin.conf").exists(),
        kubeconfigs=any(folders.kubernetes.glob("*.conf")),
        manifests=any(folders.manifests.glob("*.yaml")),
        kubelet=(folders.kubelet / "config.yaml").exists(),
    )


def decide_state(observed: Observed) -> State:
    if observed.applied and observed.administrator:
        return State.RUNNING
    if observed.kubeconfigs or observed.manifests or observed.kubelet:
        return State.HALF_DONE
    return State.BLANK


def decide_entry(*, has_our_data: bool, joins: bool, cluster_exists: bool) -> Entry:
    """A disk with this cluster's data is enough to serve from. A second cluster must never be initialized."""
    if has_our_data:
        return Entry.INITIALIZE
    return Entry.JOIN if joins or cluster_exists else Entry.INITIALIZE


def must_leave_etcd(*, joins: bool, etcd_volume: str, has_our_data: bool) -> bool:
    """Whether a machine that is cleaned up may be a member of a join that never completed.

    Such a member has its vote while it runs. Reset would only stop it: two members would have no quorum then, and the
    cluster would stand still.
    """
    return joins and bool(etcd_volume) and not has_our_data


def refuse_upgrade(runs: str, named: str) -> None:
    """Raises Failure where `runs`, the Kubernetes version here, is known and not the settings' `named`.

    Packages and manifests of another version must not come as a side effect of something else.
    """
    if runs and runs != named:
        raise Failure(
            f"this cluster runs Kubernetes {runs} and the settings name {named}; an upgrade has steps of its own, "
            f"which this is not. Nothing was changed: set cluster.kubernetesVersion to {runs}"
        )


def applied_version(folders: Folders) -> str:
    """The Kubernetes version that this machine was configured for, empty where it never was."""
    text = content_of(folders.applied)
    return kubernetes_version(read_documents(text, folders.applied)) if text else ""


def check_disk(folders: Folders, volume: str, named: str) -> None:
    """Raises Failure for a disk of another cluster, which is never taken over nor wiped, or of another version."""
    check_mark(folders.authority, volume, folders.etcd_disk)
    refuse_upgrade((content_of(folders.version_mark) or "").strip(), named)
