"""Rules about etcd, the control plane and versions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from components.settings.model import EtcdTopology, TaintEffect, WorkerPoolSettings
from components.settings.problems import Problem
from components.settings.quorum import why_not_even
from components.settings.rules.arguments import doubtful_arguments, refused_arguments, unbalanced_arguments
from components.settings.rules.facts import NAMESPACE, Facts, Rule, problem

_OLDEST_CONTAINERD: Final = {35: (2, 1, 5), 36: (2, 2, 0), 37: (2, 2, 0)}
_FIRST_WITH_ETCD_37: Final = 37
_MOST_VOTERS: Final = 5
_GIB_FOR_LOGS: Final = 2


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
    """Nothing that only members on machines of their own read."""
    etcd = facts.settings.etcd
    ignored = {
        "instanceType": (etcd.instance_type, "stacked etcd runs on controlPlane.instanceType"),
        "version": (etcd.version, "kubeadm chooses the version of stacked etcd"),
        "sha256": (etcd.sha256, "stacked etcd is an image, which kubeadm chooses"),
    }
    for key, (found, why) in ignored.items():
        path = f"etcd.{key}"
        if etcd.topology is EtcdTopology.STACKED and facts.was_given(path) and facts.sound(path):
            yield problem(path, found, f"Leave it out, or set etcd.topology to external: {why}.")


def etcd_fits_kubernetes(facts: Facts) -> Iterable[Problem]:
    """Members of a minor that the Kubernetes minor was tested with."""
    settings = facts.settings
    kubernetes, etcd = _minor(settings.cluster.kubernetes_version), _minor(settings.etcd.version)
    newest = 6 if kubernetes < _FIRST_WITH_ETCD_37 else 7
    if settings.etcd.topology is EtcdTopology.EXTERNAL and etcd > newest:
        yield problem(
            "etcd.version",
            settings.etcd.version,
            f"Choose a 3.{newest} version, such as 3.6.14: Kubernetes 1.{kubernetes} isn't tested with a newer one.",
        )


def etcd_volume_holds_its_quota(facts: Facts) -> Iterable[Problem]:
    """A member's data, the copy that a defragmentation makes, what was set aside once, and etcd's log.

    A snapshot and its trial restore take the room of the copy and of what was set aside, while they last. Where that
    is not free, the step says so and takes none; another member may.
    """
    etcd = facts.settings.etcd
    least = -(-3 * etcd.quota_mib // 1024) + _GIB_FOR_LOGS
    if etcd.volume_gib < least:
        yield problem(
            "etcd.quotaMib",
            etcd.quota_mib,
            f"Set etcd.volumeGib to {least} or more, or choose a smaller quota: {etcd.volume_gib} GiB have no room for "
            "the data, for the copy that a defragmentation makes, for data that was set aside (a snapshot and a trial "
            f"restore have no more than that of these two), and for {_GIB_FOR_LOGS} GiB of etcd's log.",
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
    """kubeadm asks for 2 CPUs and 1700 MB. What a type has is AWS's to say; these are known by their sizes' names."""
    instance_type = facts.settings.control_plane.instance_type
    family, _, size = instance_type.partition(".")
    one_cpu = (size == "medium" and not family.startswith("t")) or instance_type == "t2.small"
    if size in ("nano", "micro") or one_cpu:
        yield problem(
            "controlPlane.instanceType",
            instance_type,
            "Choose t3.small or larger, preferably t3.medium: kubeadm asks for 2 CPUs and 1700 MB.",
        )


def others_are_no_smaller_than_any_can_be(facts: Facts) -> Iterable[Problem]:
    """No nano machine: half a GiB, whatever its family."""
    settings = facts.settings
    if settings.etcd.topology is EtcdTopology.EXTERNAL and settings.etcd.instance_type.endswith(".nano"):
        yield problem(
            "etcd.instanceType",
            settings.etcd.instance_type,
            "Choose t3.small or larger, preferably t3.medium: a member's data may grow to 2 GiB, in memory, too.",
        )
    for number, pool in enumerate(settings.workers):
        path = f"workers[{number}].instanceType"
        if facts.sound(path) and pool.instance_type.endswith(".nano"):
            yield problem(
                path,
                pool.instance_type,
                "Choose t3.small or larger: in half a GiB a node's own parts have no room.",
            )


def pods_have_a_place(facts: Facts) -> Iterable[Problem]:
    """Some node takes ordinary pods."""
    settings = facts.settings
    if not settings.control_plane.schedulable and not settings.workers:
        yield problem(
            "controlPlane.schedulable",
            False,
            "Set it to true, or add a pool to workers: no node would accept ordinary pods.",
        )
    elif not settings.control_plane.schedulable and not any(map(_takes_ordinary_pods, settings.workers)):
        yield Problem(
            f"{NAMESPACE}:workers",
            "no pool without taints",
            "Set controlPlane.schedulable to true, or add a pool without taints: no node would accept ordinary pods, "
            "those of the cluster itself among them.",
        )


def pods_have_a_place_at_once(facts: Facts) -> Iterable[Problem]:
    """Some node takes ordinary pods from the start: an autoscaler is a pod itself."""
    settings = facts.settings
    taking = [pool for pool in settings.workers if _takes_ordinary_pods(pool)]
    if not settings.control_plane.schedulable and taking and not any(pool.minimum for pool in taking):
        number = settings.workers.index(taking[0])
        yield problem(
            f"workers[{number}].minimum",
            0,
            "Choose 1 or more, or set controlPlane.schedulable to true: no node would accept ordinary pods, so the "
            "cluster is never complete.",
        )


def _takes_ordinary_pods(pool: WorkerPoolSettings) -> bool:
    return all(taint.effect is TaintEffect.PREFER_NO_SCHEDULE for taint in pool.taints)


def arguments_are_usable(facts: Facts) -> Iterable[Problem]:
    """No argument of the API server that is the program's, or that it doesn't start or serve with."""
    return _arguments(facts, refused_arguments)


def arguments_fit_the_load_balancer(facts: Facts) -> Iterable[Problem]:
    """The load balancer finds API servers healthy, and notices those that stop before they are gone."""
    endpoint = facts.settings.api_endpoint
    if not (endpoint.load_balancer or endpoint.public):
        return ()
    return _arguments(facts, lambda arguments, _: unbalanced_arguments(arguments))


def arguments_are_meant(facts: Facts) -> Iterable[Problem]:
    """Arguments of the API server that may not do what was meant."""
    return _arguments(facts, doubtful_arguments)


def _arguments(facts: Facts, judge: Callable[[Mapping[str, str], int], Iterable[tuple[str, str]]]) -> Iterator[Problem]:
    arguments = facts.settings.control_plane.api_server_arguments
    for name, remedy in judge(arguments, _minor(facts.settings.cluster.kubernetes_version)):
        yield problem(f"controlPlane.apiServerArguments.{name}", arguments[name], remedy)


def containerd_fits_kubernetes(facts: Facts) -> Iterable[Problem]:
    """The container runtime is one that the Kubernetes minor was tested with."""
    cluster = facts.settings.cluster
    minor = _minor(cluster.kubernetes_version)
    oldest = _OLDEST_CONTAINERD[minor]
    if tuple(int(part) for part in cluster.containerd_version.split(".")) < oldest:
        yield problem(
            "cluster.containerdVersion",
            cluster.containerd_version,
            f"Choose {'.'.join(map(str, oldest))} or newer, such as 2.3.7: Kubernetes 1.{minor} needs it.",
        )


def _minor(version: str) -> int:
    return int(version.split(".")[1])


def snapshots_outlive_their_interval(facts: Facts) -> Iterable[Problem]:
    """A snapshot is kept until the next one is there."""
    backups = facts.settings.backups
    if backups.retention_days * 24 < backups.interval_hours:
        yield problem(
            "backups.retentionDays",
            backups.retention_days,
            f"Keep snapshots longer than the {backups.interval_hours} hours between them, or at times there is none.",
        )


def days_are_kept_as_long_as_all(facts: Facts) -> Iterable[Problem]:
    """The first snapshot of a day doesn't end before the others of that day. Nothing is kept where none are taken."""
    backups = facts.settings.backups
    if backups.enabled and backups.retention_days < backups.keep_all_days:
        yield problem(
            "backups.retentionDays",
            backups.retention_days,
            f"Set it to {backups.keep_all_days} or more, or backups.keepAllDays to {backups.retention_days} or less: "
            "a day's first snapshot would end before the others of that day.",
        )


RULES: Final = (
    Rule(("cluster.kubernetesVersion", "cluster.containerdVersion"), containerd_fits_kubernetes),
    Rule(("etcd.topology", "etcd.members", "controlPlane.count"), etcd_has_a_quorum),
    Rule(("etcd.topology",), stacked_etcd_has_no_machines),
    Rule(("etcd.topology", "etcd.version", "cluster.kubernetesVersion"), etcd_fits_kubernetes, spares_living=True),
    Rule(("etcd.quotaMib", "etcd.volumeGib"), etcd_volume_holds_its_quota),
    Rule(("etcd.heartbeatIntervalMs", "etcd.electionTimeoutMs"), elections_wait_long_enough),
    Rule(("controlPlane.count",), control_plane_has_a_quorum),
    Rule(("controlPlane.instanceType",), control_plane_is_large_enough),
    Rule(("etcd.topology", "etcd.instanceType"), others_are_no_smaller_than_any_can_be, spares_living=True),
    Rule(("controlPlane.schedulable", "workers"), pods_have_a_place),
    Rule(("controlPlane.schedulable", "workers"), pods_have_a_place_at_once, spares_living=True),
    Rule((), arguments_are_usable),
    Rule(("apiEndpoint", "controlPlane.count"), arguments_fit_the_load_balancer, spares_living=True),
    Rule((), arguments_are_meant, advises=True),
    Rule(("backups",), snapshots_outlive_their_interval),
    Rule(("backups",), days_are_kept_as_long_as_all),
)
