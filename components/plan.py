"""Which machines a cluster has that keep their address, and where each stands. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from components.addresses import control_plane_address, etcd_address, zone_of, zone_subnets
from components.settings.model import EtcdTopology, NatMode, Settings

# The bastion forwards connections and does nothing else, so the smallest machine that runs Debian will do.
BASTION: Final = "bastion"
BASTION_INSTANCE_TYPE: Final = "t3.micro"
BASTION_ROOT_GIB: Final = 10
# An etcd member's root disk holds the system and a few programs.
ETCD_ROOT_GIB: Final = 20


@dataclass(frozen=True)
class PlannedMachine:
    """A machine by its name, its zone (from 0), and its private address, which outlive its instance."""

    name: str
    zone: int
    address: str


def planned_control_planes(settings: Settings) -> tuple[PlannedMachine, ...]:
    """The control-plane machines, round the zones. The first founds the cluster."""
    return _planned(settings, "control-plane", settings.control_plane.count, control_plane_address)


def planned_etcd_members(settings: Settings) -> tuple[PlannedMachine, ...]:
    """etcd's own machines, round the zones; none where it is stacked."""
    external = settings.etcd.topology is EtcdTopology.EXTERNAL
    return _planned(settings, "etcd", settings.etcd.members if external else 0, etcd_address)


def machines_are_private(settings: Settings) -> bool:
    """Whether machines stand in private subnets, without public addresses."""
    return settings.network.nat is not NatMode.NONE


def subnets_are_shared(settings: Settings) -> bool:
    """Whether something beside planned machines takes addresses in their subnets."""
    return bool(settings.workers) or settings.api_endpoint.load_balancer or machines_are_private(settings)


def _planned(
    settings: Settings, kind: str, count: int, address: Callable[[str, int], str]
) -> tuple[PlannedMachine, ...]:
    zones = settings.network.zones
    subnets = zone_subnets(settings.network.vpc_cidr, zones)
    planned = []
    for index in range(count):
        zone = zone_of(index, zones)
        subnet = subnets[zone].private if machines_are_private(settings) else subnets[zone].public
        planned.append(PlannedMachine(f"{kind}-{index}", zone, address(subnet, index)))
    return tuple(planned)
