"""The plan of a cluster: which machines it has, where each stands, what it is called. Pure; everything else asks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from components.addresses import ZoneSubnets, control_plane_address, etcd_address, zone_of, zone_subnets
from components.settings.model import EtcdTopology, NatMode, Settings, WorkerPoolSettings

# The bastion forwards connections and does nothing else, so the smallest machine that runs Debian will do.
_BASTION_INSTANCE_TYPE: Final = "t3.micro"
_BASTION_ROOT_GIB: Final = 10
# An etcd member's root disk holds the system and a few programs.
_ETCD_ROOT_GIB: Final = 20


# The user that Debian's images make for the launch key.
LOGIN_USER: Final = "admin"


class Role(StrEnum):
    """What a machine is for; also the value of ROLE in its environment."""

    CONTROL_PLANE = "control-plane"
    ETCD = "etcd"
    WORKER = "worker"
    BASTION = "bastion"


@dataclass(frozen=True)
class PlannedMachine:
    """A machine with a name of its own.

    `zone` counts from 0. `address` is the private one, which outlives the instance; a bastion takes any, and has none
    here. `etcd_volume_gib` is 0 where no etcd member keeps its data on the machine.
    """

    name: str
    role: Role
    zone: int
    address: str
    instance_type: str
    root_volume_gib: int
    etcd_volume_gib: int
    public: bool

    @property
    def holds_member(self) -> bool:
        return self.etcd_volume_gib > 0


@dataclass(frozen=True)
class Plan:
    """What checked settings amount to. Made by `plan_of`."""

    settings: Settings

    @cached_property
    def endpoint_name(self) -> str:
        """`api.CLUSTER.DOMAIN`: in every certificate and kubeconfig, from the first day."""
        return f"api.{self.zone_name}"

    @cached_property
    def zone_name(self) -> str:
        """The private DNS zone, which is this cluster's alone."""
        cluster = self.settings.cluster
        return f"{cluster.name}.{cluster.domain}"

    @cached_property
    def control_planes(self) -> tuple[PlannedMachine, ...]:
        """The control-plane machines, round the zones. The first founds the cluster."""
        control_plane, etcd = self.settings.control_plane, self.settings.etcd
        return self._round_the_zones(
            Role.CONTROL_PLANE,
            control_plane.count,
            control_plane_address,
            control_plane.instance_type,
            control_plane.root_volume_gib,
            0 if self.etcd_is_external else etcd.volume_gib,
        )

    @cached_property
    def etcd_machines(self) -> tuple[PlannedMachine, ...]:
        """etcd's own machines, round the zones; none where it is stacked."""
        etcd = self.settings.etcd
        count = etcd.members if self.etcd_is_external else 0
        return self._round_the_zones(
            Role.ETCD, count, etcd_address, etcd.instance_type, _ETCD_ROOT_GIB, etcd.volume_gib
        )

    @cached_property
    def bastion(self) -> PlannedMachine | None:
        """The machine that the others are reached through, if there is one."""
        if not self.settings.access.bastion:
            return None
        return PlannedMachine("bastion", Role.BASTION, 0, "", _BASTION_INSTANCE_TYPE, _BASTION_ROOT_GIB, 0, public=True)

    @property
    def founder(self) -> PlannedMachine:
        """The control plane that founds the cluster, and that what is done once is done on."""
        return self.control_planes[0]

    @property
    def machines(self) -> tuple[PlannedMachine, ...]:
        """All machines with a name of their own."""
        return (*self.control_planes_and_members, *((self.bastion,) if self.bastion else ()))

    @property
    def control_planes_and_members(self) -> tuple[PlannedMachine, ...]:
        """The machines that run an API server, a member of etcd, or both."""
        return (*self.control_planes, *self.etcd_machines)

    @property
    def members(self) -> tuple[PlannedMachine, ...]:
        """The machines that hold a member of etcd."""
        return tuple(machine for machine in self.machines if machine.holds_member)

    @property
    def etcd_addresses(self) -> Mapping[str, str]:
        """Addresses of the members on machines of their own, by name; empty where etcd is stacked."""
        return {machine.name: machine.address for machine in self.etcd_machines}

    @property
    def etcd_is_external(self) -> bool:
        return self.settings.etcd.topology is EtcdTopology.EXTERNAL

    @property
    def load_balanced(self) -> bool:
        """Whether the endpoint's name leads to a load balancer."""
        return self.settings.api_endpoint.load_balancer

    @property
    def target_group_names(self) -> tuple[str, ...]:
        """The target groups that API servers are in, by their names at AWS."""
        cluster, endpoint = self.settings.cluster.name, self.settings.api_endpoint
        return tuple(
            load_balancer_name(cluster, internal)
            for internal, there in ((True, endpoint.load_balancer), (False, endpoint.public))
            if there
        )

    @property
    def machines_are_private(self) -> bool:
        """Whether machines stand in private subnets, without public addresses."""
        return self.settings.network.nat is not NatMode.NONE

    @property
    def subnets_are_shared(self) -> bool:
        """Whether something beside planned machines takes addresses in their subnets."""
        return bool(self.settings.workers) or self.load_balanced or self.machines_are_private

    @property
    def has_several_nodes(self) -> bool:
        """Whether pods have more than one node to stand on."""
        return len(self.control_planes) + sum(pool.minimum for pool in self.settings.workers) > 1

    @property
    def expected_nodes(self) -> tuple[str, ...]:
        """What must be Ready: NODE for a machine with a name of its own, POOL:MINIMUM for a pool."""
        pools = (f"{pool.name}:{pool.minimum}" for pool in self.settings.workers)
        return (*(machine.name for machine in self.control_planes), *pools)

    @cached_property
    def subnets(self) -> tuple[ZoneSubnets, ...]:
        """The subnets of each zone."""
        return zone_subnets(self.settings.network.vpc_cidr, self.settings.network.zones)

    def pool_zones(self, pool: WorkerPoolSettings) -> tuple[int, ...]:
        """The zones, from 0, that a pool's workers are spread over."""
        return tuple(zone - 1 for zone in pool.zones) or tuple(range(self.settings.network.zones))

    def pool_group_name(self, pool: WorkerPoolSettings) -> str:
        """The Auto Scaling group of a pool."""
        return group_name(self.settings.cluster.name, pool.name)

    def other_control_planes(self, machine: PlannedMachine) -> tuple[str, ...]:
        """The addresses of the control planes beside `machine`."""
        return tuple(other.address for other in self.control_planes if other.name != machine.name)

    def _round_the_zones(
        self,
        role: Role,
        count: int,
        address: Callable[[str, int], str],
        instance_type: str,
        root_gib: int,
        etcd_gib: int,
    ) -> tuple[PlannedMachine, ...]:
        planned = []
        for index in range(count):
            zone = zone_of(index, self.settings.network.zones)
            subnets = self.subnets[zone]
            subnet = subnets.private if self.machines_are_private else subnets.public
            planned.append(
                PlannedMachine(
                    f"{role}-{index}",
                    role,
                    zone,
                    address(subnet, index),
                    instance_type,
                    root_gib,
                    etcd_gib,
                    public=not self.machines_are_private,
                )
            )
        return tuple(planned)


def load_balancer_name(cluster: str, internal: bool) -> str:
    """A load balancer of the API and its target group, at AWS."""
    return f"{cluster}-{'internal' if internal else 'public'}"


def group_name(cluster: str, pool: str) -> str:
    """The Auto Scaling group of a pool. Neither name has a dot, so no cluster's groups look like another's."""
    return f"{cluster}.{pool}"


def machine_parameter(cluster: str, machine: str, name: str) -> str:
    """Where a machine's parameter is: `/quorate/CLUSTER/MACHINE/NAME`."""
    return f"/quorate/{cluster}/{machine}/{name}"


def host_key_parameter(cluster: str, machine: str) -> str:
    """The parameter with a machine's SSH host key, which its role alone may read."""
    return machine_parameter(cluster, machine, "ssh-host-key")


def join_parameter(cluster: str) -> str:
    """The parameter with the credentials that workers join with: control planes renew it, workers' role may read it."""
    return machine_parameter(cluster, "workers", "join")
