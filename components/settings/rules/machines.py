"""Rules about etcd, the control plane and versions. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from components.settings.model import EtcdTopology
from components.settings.problems import Problem
from components.settings.quorum import why_not_even
from components.settings.rules.arguments import why_owned
from components.settings.rules.facts import Facts, Rule, problem

_OLDEST_CONTAINERD: Final = {35: (2, 1, 5), 36: (2, 2, 0), 37: (2, 2, 0)}
_MOST_VOTERS: Final = 5


def etcd_has_a_quorum(facts: Facts) -> Iterable[Problem]:
    """An external etcd has 3 or 5 members; a stacked one has no say of its own."""
    members = facts.settings.etcd.members
    if facts.settings.etcd.topology is EtcdTopology.STACKED:
        count = facts.settings.control_plane.count
        if facts.was_given("etcd.members") and members != count:
            yield problem(
                "etcd.members",
                members,
                f"Leave it out: stacked etcd has one member per control-plane machine ({count}). "
                "For members on machines of their own, set etcd.topology to external.",
            )
    elif members % 2 == 0:
        yield problem("etcd.members", members, f"Choose 3 or 5: {why_not_even(members)}.")
    elif members == 1:
        yield problem(
            "etcd.members",
            1,
            "Choose 3 or 5, or topology stacked: a single member on its own machine doesn't survive a loss either.",
        )
    elif members > _MOST_VOTERS:
        yield problem("etcd.members", members, _too_many("members", members))


def control_plane_has_a_quorum(facts: Facts) -> Iterable[Problem]:
    """1, 3 or 5 control-plane machines."""
    count = facts.settings.control_plane.count
    if count % 2 == 0:
        yield problem("controlPlane.count", count, f"Choose 1, 3 or 5: {why_not_even(count)}.")
    elif count > _MOST_VOTERS:
        yield problem("controlPlane.count", count, _too_many("machines", count))


def _too_many(what: str, count: int) -> str:
    return (
        f"Choose 3 or 5: {count} {what} add more cost than protection, since every write waits for "
        f"{count // 2 + 1} disks, and five survive the loss of two."
    )


def stacked_etcd_has_no_machines(facts: Facts) -> Iterable[Problem]:
    """No machine type for members that have no machines."""
    etcd = facts.settings.etcd
    if etcd.topology is EtcdTopology.STACKED and facts.was_given("etcd.instanceType"):
        yield problem(
            "etcd.instanceType",
            etcd.instance_type,
            "Leave it out, or set etcd.topology to external: stacked etcd runs on controlPlane.instanceType.",
        )


def elections_wait_long_enough(facts: Facts) -> Iterable[Problem]:
    """etcd itself refuses an election timeout below five heartbeats; ten is its advice."""
    etcd = facts.settings.etcd
    if etcd.election_timeout_ms < 5 * etcd.heartbeat_interval_ms:
        yield problem(
            "etcd.electionTimeoutMs",
            etcd.election_timeout_ms,
            f"Set it to {10 * etcd.heartbeat_interval_ms}, ten heartbeats of {etcd.heartbeat_interval_ms} ms: "
            "below five, a short delay ends in an election, and etcd doesn't start.",
        )


def control_plane_is_large_enough(facts: Facts) -> Iterable[Problem]:
    """kubeadm asks for 2 CPUs and 1700 MB."""
    instance_type = facts.settings.control_plane.instance_type
    family, _, size = instance_type.partition(".")
    one_cpu = (size == "medium" and not family.startswith("t")) or instance_type in ("t2.small", "t1.micro")
    if size in ("nano", "micro") or one_cpu:
        yield problem(
            "controlPlane.instanceType",
            instance_type,
            "Choose t3.small or larger, preferably t3.medium: kubeadm asks for 2 CPUs and 1700 MB.",
        )


def pods_have_a_place(facts: Facts) -> Iterable[Problem]:
    """Some node takes ordinary pods."""
    if not facts.settings.control_plane.schedulable and not facts.settings.workers:
        yield problem(
            "controlPlane.schedulable",
            False,
            "Set it to true, or add a pool to workers: no node would accept ordinary pods.",
        )


def arguments_are_free(facts: Facts) -> Iterable[Problem]:
    """No argument of the API server that kubeadm or the program sets."""
    for name, value in facts.settings.control_plane.api_server_arguments.items():
        reason = why_owned(name, value)
        if reason:
            yield problem(f"controlPlane.apiServerArguments.{name}", value, reason)


def containerd_fits_kubernetes(facts: Facts) -> Iterable[Problem]:
    """The container runtime is one that the Kubernetes minor was tested with."""
    cluster = facts.settings.cluster
    minor = int(cluster.kubernetes_version.split(".")[1])
    oldest = _OLDEST_CONTAINERD[minor]
    if tuple(int(part) for part in cluster.containerd_version.split(".")) < oldest:
        yield problem(
            "cluster.containerdVersion",
            cluster.containerd_version,
            f"Choose {'.'.join(map(str, oldest))} or newer, such as 2.3.7: Kubernetes 1.{minor} needs it.",
        )


def snapshots_outlive_their_interval(facts: Facts) -> Iterable[Problem]:
    """A snapshot is kept until the next one is there."""
    backups = facts.settings.backups
    if backups.retention_days * 24 < backups.interval_hours:
        yield problem(
            "backups.retentionDays",
            backups.retention_days,
            f"Keep snapshots longer than the {backups.interval_hours} hours between them, or at times there is none.",
        )


RULES: Final = (
    Rule(("cluster.kubernetesVersion", "cluster.containerdVersion"), containerd_fits_kubernetes),
    Rule(("etcd.topology", "etcd.members", "controlPlane.count"), etcd_has_a_quorum),
    Rule(("etcd.topology", "etcd.instanceType"), stacked_etcd_has_no_machines),
    Rule(("etcd.heartbeatIntervalMs", "etcd.electionTimeoutMs"), elections_wait_long_enough),
    Rule(("controlPlane.count",), control_plane_has_a_quorum),
    Rule(("controlPlane.instanceType",), control_plane_is_large_enough),
    Rule(("controlPlane.schedulable", "workers"), pods_have_a_place),
    Rule((), arguments_are_free),
    Rule(("backups",), snapshots_outlive_their_interval),
)
