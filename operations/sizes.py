"""Whether the machines fit the number of nodes, and the limits of Kubernetes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final

from components.settings.model import EtcdTopology, Settings
from components.settings.rules.networks import NODE_PREFIXES
from pricing.tables import Size, burstable, control_plane_sizes, cpus, etcd_sizes, limits, memory_gib
from pricing.topology import Topology

_FREE_GP3_IOPS: Final = 3000


@dataclass(frozen=True)
class Limit:
    """A limit, what this cluster may reach, whether that is within it, and what to do where it isn't."""

    subject: str
    limit: int
    here: int
    remedy: str

    @property
    def kept(self) -> bool:
        return self.here <= self.limit


def size_for(nodes: int, sizes: Sequence[Size]) -> Size:
    """The row for a number of nodes; the largest one beyond the table."""
    return next((size for size in sizes if nodes <= size.nodes), sizes[-1])


def limit_rows(settings: Settings, topology: Topology) -> tuple[Limit, ...]:
    """The limits of Kubernetes and of the address plan, against the pools' maximum."""
    known = limits()
    nodes = topology.nodes[1]
    pods = settings.kubelet.max_pods
    range_of_pods = IPv4Network(settings.network.pod_cidr)
    each = NODE_PREFIXES[settings.network_plugin.name]
    room = 2 ** max(0, each - range_of_pods.prefixlen)
    return (
        Limit("nodes", known["nodes"], nodes, "Lower the pools' maximum"),
        Limit("pods per node", known["pods_per_node"], pods, "Lower kubelet.maxPods"),
        Limit(
            "pods, if every node were full", known["pods"], nodes * pods, "Lower kubelet.maxPods or the pools' maximum"
        ),
        Limit(f"nodes that network.podCidr has a /{each} for", room, nodes, "Widen network.podCidr"),
        Limit(
            "pods that network.podCidr has addresses for",
            range_of_pods.num_addresses,
            nodes * pods,
            "Lower kubelet.maxPods or the pools' maximum, or make the next cluster with a wider network.podCidr",
        ),
    )


def warnings(settings: Settings, topology: Topology) -> tuple[str, ...]:
    """Sizes that don't fit, each with what to set."""
    return tuple(_warnings(settings, topology))


def _warnings(settings: Settings, topology: Topology) -> Iterator[str]:
    nodes = topology.nodes[1]
    wanted = size_for(nodes, control_plane_sizes())
    yield from _too_small(
        "controlPlane.instanceType", settings.control_plane.instance_type, wanted.cpus, wanted.memory_gib, nodes, wanted
    )
    if settings.etcd.topology is EtcdTopology.EXTERNAL:
        store = size_for(nodes, etcd_sizes())
        yield from _too_small(
            "etcd.instanceType", settings.etcd.instance_type, store.cpus, store.memory_gib, nodes, store
        )
        if burstable(settings.etcd.instance_type) and nodes > 10:
            yield (
                f"etcd.instanceType {settings.etcd.instance_type} limits its CPU by credits: when they are used up, "
                "heartbeats are late and leaders change. Choose m7i.large or larger."
            )
    disk = size_for(nodes, etcd_sizes())
    if nodes > 10 and disk.iops > _FREE_GP3_IOPS:
        yield (
            f"etcd's disks have gp3's {_FREE_GP3_IOPS} operations per second; for up to {disk.nodes} nodes etcd's own "
            f"table asks for {disk.iops}. Watch etcd_disk_wal_fsync_duration_seconds."
        )
    for limit in limit_rows(settings, topology):
        if not limit.kept:
            yield f"{limit.subject}: {limit.here:,} against a limit of {limit.limit:,}. {limit.remedy}."
    if topology.zones == 2 and len(topology.members) > 1:
        yield (
            "two zones: one of them holds the majority of etcd's members, and its loss stops the API. "
            "Set network.zones to 3."
        )
    if len(topology.control_planes) > 1 and topology.zones == 1:
        yield "several control planes in one zone: its loss stops everything. Set network.zones to 3."
    if topology.nat_gateways == 1 and topology.zones > 1:
        yield "one NAT gateway for several zones: losing its zone cuts off all machines. Set network.nat to perZone."


def _too_small(path: str, instance_type: str, cpu: int, memory: int, nodes: int, wanted: Size) -> Iterator[str]:
    has_cpu, has_memory = cpus(instance_type), memory_gib(instance_type)
    lacks = (has_cpu is not None and has_cpu < cpu) or (has_memory is not None and has_memory < memory)
    if lacks and nodes > 5:
        size = f"{has_cpu} CPUs" + (f" and {has_memory:g} GiB" if has_memory is not None else "")
        yield (
            f"{path} {instance_type} has {size}; for up to {wanted.nodes} nodes (this cluster may have {nodes}) "
            f"{cpu} CPUs and {memory} GiB are recommended. Choose {wanted.example} or larger."
        )
