"""The time of one `pulumi up`, cut at the moments that matter. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sandbox.bench.events import Moment, begun_first, finished, finished_last, said, said_last, was_made

_INSTANCE = "aws:ec2/instance:Instance"
_COMMAND = "command:remote:Command"
_FIRST = "-control-plane-0-configure"

BEFORE_INSTANCES = "network and all else before the first instance"
BOOT = "instances, until the last machine boots"
PREPARATION = "boot and preparation, until the last machine is done"
QUORUM = "etcd members, until they have a quorum"
PROVIDER_WAITS = "what the provider waits for, until kubeadm begins"
KUBEADM = "kubeadm init, until the API is ready"
JOINS = "joins of the other control planes"
BALANCER = "load balancer, until the control planes reach the API through it"
NETWORK_PLUGIN = "network plugin, until every node is Ready"
SYSTEM_PODS = "system pods, DNS and the API's Service"
ADDONS = "add-ons, smoke workload and its Service"
ENDING = "the engine's end"


@dataclass(frozen=True)
class MachineTimes:
    """When a machine's systemd began and its preparation ended, in seconds of the host's monotonic clock.

    A bastion prepares nothing.
    """

    booted: float
    prepared: float | None


@dataclass(frozen=True)
class Timeline:
    """Seconds of one up: `parts` add up to the whole; the rest are spans to every node being Ready."""

    parts: Mapping[str, float]
    boot_to_ready: float
    preparation_to_ready: float


def timeline(start: float, moments: Sequence[Moment], machines: Sequence[MachineTimes], end: float) -> Timeline:
    """Raises MomentMissing where the log lacks a moment.

    What ended while something before it in the list still ran takes no time of its own: parts overlap.
    """
    booted = max(machine.booted for machine in machines)
    prepared = max(machine.prepared for machine in machines if machine.prepared is not None)
    ready = said_last(moments, "-ready", " is Ready")
    marks: list[tuple[str, float]] = [
        (BEFORE_INSTANCES, begun_first(moments, _INSTANCE, "-instance")),
        (BOOT, booted),
        (PREPARATION, prepared),
        *_where(moments, "-etcd-0-configure", QUORUM, lambda: finished_last(moments, _COMMAND, r"-etcd-\d+-configure")),
        (PROVIDER_WAITS, said(moments, _FIRST, "kubeadm init, Kubernetes")),
        (KUBEADM, said(moments, _FIRST, "the control plane is up")),
        *_where(
            moments,
            "-control-plane-1-configure",
            JOINS,
            lambda: finished_last(moments, _COMMAND, r"-control-plane-\d+-configure"),
        ),
        *_where(
            moments,
            "-control-plane-0-endpoint",
            BALANCER,
            lambda: finished_last(moments, _COMMAND, r"-control-plane-\d+-endpoint"),
        ),
        (NETWORK_PLUGIN, ready),
        (SYSTEM_PODS, finished(moments, _COMMAND, "-ready")),
        (ADDONS, finished(moments, _COMMAND, "-service")),
        (ENDING, end),
    ]
    parts, reached = {}, start
    for name, at in marks:
        parts[name] = max(at - reached, 0.0)
        reached = max(at, reached)
    return Timeline(parts, ready - booted, ready - prepared)


def _where(moments: Sequence[Moment], resource: str, name: str, at: Callable[[], float]) -> list[tuple[str, float]]:
    return [(name, at())] if was_made(moments, resource) else []
