"""Which resources are machines of which kind, and where they stand. Pure.

A machine is known by its place in resource names, `…control-plane-0…` or `…etcd-1…`: names are known in every
preview, while tags and addresses may not be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from policies.model import Resource, Stack
from policies.values import UNKNOWN, at

INSTANCE: Final = "aws:ec2/instance:Instance"
INTERFACE: Final = "aws:ec2/networkInterface:NetworkInterface"
SUBNET: Final = "aws:ec2/subnet:Subnet"
VOLUME: Final = "aws:ebs/volume:Volume"
LAUNCH_TEMPLATE: Final = "aws:ec2/launchTemplate:LaunchTemplate"
COMMAND: Final = "command:remote:Command"

CONTROL_PLANE: Final = "control-plane"
ETCD: Final = "etcd"
WORKER: Final = "worker"
# A cluster may be called etcd-1, and its bastion etcd-1-bastion.
_MACHINE: Final = re.compile(r"(?:^|-)(control-plane|etcd)-(\d+)(?=-|$)(?!.*-bastion(?:-|$))")


@dataclass(frozen=True)
class DeclaredMachine:
    """A machine of etcd or the control plane. `volumes` are its data disks, `interfaces` keep its fixed address."""

    kind: str
    number: int
    instance: Resource
    volumes: tuple[Resource, ...]
    interfaces: tuple[Resource, ...]

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.number}"


def machine_name(resource: Resource) -> tuple[str, int] | None:
    """Kind and number of the machine that a resource belongs to, None for others."""
    found = _MACHINE.findall(resource.name)
    return (found[-1][0], int(found[-1][1])) if found else None


def machines(stack: Stack) -> list[DeclaredMachine]:
    """Control-plane and etcd machines, by kind and number."""
    found = []
    for instance in stack.of_type(INSTANCE):
        name = machine_name(instance)
        if name is not None:
            disks, interfaces = (
                tuple(part for part in stack.of_type(kind) if machine_name(part) == name)
                for kind in (VOLUME, INTERFACE)
            )
            found.append(DeclaredMachine(*name, instance, disks, interfaces))
    return sorted(found, key=lambda machine: (machine.kind, machine.number))


def voters(stack: Stack) -> list[DeclaredMachine]:
    """The machines that etcd's members run on: those of its own, or else the control plane's."""
    everything = machines(stack)
    external = [machine for machine in everything if machine.kind == ETCD]
    return external or everything


def is_data_volume(resource: Resource) -> bool:
    """A volume of its own, beside a machine that keeps state: etcd's data."""
    return resource.type == VOLUME and machine_name(resource) is not None


def zone(stack: Stack, machine: DeclaredMachine) -> str | None:
    """The availability zone, by the instance, its disks, or the subnet that it or its interface is in."""
    for resource in (machine.instance, *machine.volumes):
        name = resource.get("availabilityZone")
        if isinstance(name, str):
            return name
    for subnet in _subnets(stack, machine.instance):
        name = subnet.get("availabilityZone")
        if isinstance(name, str):
            return name
    return None


def _subnets(stack: Stack, instance: Resource) -> Iterator[Resource]:
    places = [instance]
    for interface in stack.referred(instance, "primaryNetworkInterface", "networkInterfaces"):
        if interface.type == INTERFACE:
            places.append(interface)
    for place in places:
        yield from (found for found in stack.referred(place, "subnetId") if found.type == SUBNET)


def is_new(resource: Resource) -> bool:
    """Whether this preview creates or replaces it: what AWS will say of it is unknown."""
    return any(at(resource.outputs, key) is UNKNOWN for key in ("id", "arn"))


def exists(resource: Resource) -> bool:
    """Whether it is there already: what AWS has said of it is known."""
    return not is_new(resource) and any(isinstance(at(resource.outputs, key), str) for key in ("id", "arn"))
