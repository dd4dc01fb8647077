"""Who waits for whom: machines that an update stops take turns, so that etcd keeps its quorum and clients their API."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi import Resource

from components.living_cluster import LivingCluster
from components.machines.machine import Machine


class Turns:
    """The order of machines, by what the state knows of them.

    A machine that is not there is made at once: it serves nobody, and the members of a new cluster need each other.
    AWS stops an instance to change its type; that is what a living machine waits with, for all that come before it.
    """

    def __init__(self, living: LivingCluster) -> None:
        self._living = living
        self._steps: list[Resource] = []

    def awaited_by(self, machine: Machine) -> Sequence[Resource]:
        """What comes before the instance of `machine`: if it stops, all machines before it must serve again."""
        living_type = self._living.instance_types.get(machine.instance_name, machine.instance_type)
        return tuple(self._steps) if living_type != machine.instance_type else ()

    def add(self, step: Resource) -> None:
        """`step` is complete when its machine serves; later machines wait for it."""
        self._steps.append(step)

    def comes_back(self, name: str) -> bool:
        """Whether the control plane `name` has etcd's data from before, but its instance has not served yet.

        Then it may be needed for a quorum.
        """
        return name in self._living.etcd_members and f"{name}-configure" not in self._living.done
