"""What a stack's settings amount to: machines, zones, disks, balancers, members. Pure, and no resource is asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from components.backups.retention import lost_minutes, stored_snapshots
from components.network.traffic import Traffic, allowed
from components.plan import Plan, PlannedMachine, Role
from components.settings.model import ApiEndpointSettings, EtcdTopology, NatMode, Settings, WorkerPoolSettings
from components.settings.quorum import quorum


class Kind(StrEnum):
    """What a machine is for."""

    CONTROL_PLANE = "control plane"
    ETCD = "etcd"
    BASTION = "bastion"


@dataclass(frozen=True)
class TopologyMachine:
    """A machine with a name of its own. `zone` counts from 0; `etcd_gib` is 0 without a member on it."""

    name: str
    kind: Kind
    zone: int
    instance_type: str
    address: str
    public: bool
    root_gib: int
    etcd_gib: int = 0

    @property
    def holds_member(self) -> bool:
        return self.etcd_gib > 0


@dataclass(frozen=True)
class Pool:
    """Interchangeable workers; `zones` counts from 0."""

    name: str
    instance_type: str
    minimum: int
    maximum: int
    zones: tuple[int, ...]
    root_gib: int
    spot: bool
    public: bool

    def at_minimum(self, zone: int) -> int:
        """How many workers of the minimum stand in a zone: Auto Scaling spreads evenly."""
        if zone not in self.zones:
            return 0
        share, rest = divmod(self.minimum, len(self.zones))
        return share + (self.zones.index(zone) < rest)


@dataclass(frozen=True)
class LoadBalancer:
    """A network load balancer in front of the API servers, with a node in each zone."""

    name: str
    public: bool


@dataclass(frozen=True)
class Snapshots:
    """Snapshots of etcd: the most that may have been written since the last one, in minutes, and how many the bucket
    holds in the long run."""

    lost_minutes: int
    stored: int


@dataclass(frozen=True)
class Topology:
    """A cluster as its settings describe it. `traffic` is what its security groups allow; without `snapshots` there
    are none."""

    cluster: str
    zones: int
    machines: tuple[TopologyMachine, ...]
    pools: tuple[Pool, ...]
    load_balancers: tuple[LoadBalancer, ...]
    nat_gateways: int
    interface_endpoints: int
    etcd: EtcdTopology
    schedulable_control_plane: bool
    snapshots: Snapshots | None
    traffic: tuple[Traffic, ...]

    @property
    def control_planes(self) -> tuple[TopologyMachine, ...]:
        return self.of(Kind.CONTROL_PLANE)

    @property
    def members(self) -> tuple[TopologyMachine, ...]:
        """The machines that hold a member of etcd."""
        return tuple(machine for machine in self.machines if machine.holds_member)

    @property
    def majority(self) -> int:
        return quorum(len(self.members))

    @property
    def nodes(self) -> tuple[int, int]:
        """Kubernetes nodes, at the pools' minimum and maximum."""
        own = len(self.control_planes)
        return own + sum(p.minimum for p in self.pools), own + sum(p.maximum for p in self.pools)

    def of(self, kind: Kind) -> tuple[TopologyMachine, ...]:
        return tuple(machine for machine in self.machines if machine.kind is kind)

    def serves_without(self, lost: frozenset[str]) -> bool:
        """Whether the API takes writes when the machines named in `lost` are gone."""
        members = [machine for machine in self.members if machine.name not in lost]
        servers = [machine for machine in self.control_planes if machine.name not in lost]
        return len(members) >= self.majority and bool(servers)

    def in_zone(self, zone: int) -> frozenset[str]:
        return frozenset(machine.name for machine in self.machines if machine.zone == zone)

    def tolerated_members(self) -> int:
        return len(self.members) - self.majority

    def survives_any_zone(self) -> bool:
        """Whether the API takes writes whichever one zone is lost."""
        return all(self.serves_without(self.in_zone(zone)) for zone in range(self.zones))


def topology(settings: Settings) -> Topology:
    """The topology of checked settings."""
    network, plan, backups = settings.network, Plan(settings), settings.backups
    return Topology(
        cluster=settings.cluster.name,
        zones=network.zones,
        machines=tuple(_machine(machine) for machine in plan.machines),
        pools=tuple(_pool(plan, pool) for pool in settings.workers),
        load_balancers=_load_balancers(settings.api_endpoint),
        nat_gateways={NatMode.NONE: 0, NatMode.SINGLE: 1, NatMode.PER_ZONE: network.zones}[network.nat],
        # One network interface per service and zone.
        interface_endpoints=len(network.interface_endpoints) * network.zones,
        etcd=settings.etcd.topology,
        schedulable_control_plane=settings.control_plane.schedulable,
        snapshots=Snapshots(lost_minutes(backups), stored_snapshots(backups)) if backups.enabled else None,
        traffic=allowed(settings),
    )


def _machine(planned: PlannedMachine) -> TopologyMachine:
    kind = {Role.CONTROL_PLANE: Kind.CONTROL_PLANE, Role.ETCD: Kind.ETCD, Role.BASTION: Kind.BASTION}[planned.role]
    return TopologyMachine(
        planned.name, kind, planned.zone, planned.instance_type, planned.address, planned.public,
        planned.root_volume_gib, planned.etcd_volume_gib,
    )  # fmt: skip


def _pool(plan: Plan, pool: WorkerPoolSettings) -> Pool:
    return Pool(
        pool.name, pool.instance_type, pool.minimum, pool.maximum, plan.pool_zones(pool), pool.root_volume_gib,
        pool.spot, not plan.machines_are_private,
    )  # fmt: skip


def _load_balancers(endpoint: ApiEndpointSettings) -> tuple[LoadBalancer, ...]:
    """One for nodes, and one for operators, where the stack has them."""
    names = [("internal", False)] if endpoint.load_balancer else []
    names += [("public", True)] if endpoint.public else []
    return tuple(LoadBalancer(name, public) for name, public in names)
