"""Machines that an update stops take turns, so that etcd keeps its quorum and clients their API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pulumi import Resource

from components.machines.machine import Machine


class Turns:
    """Who waits for whom, in the order in which machines are declared.

    A machine that is not there is made at once: it serves nobody, and the members of a new cluster need each other.
    AWS stops an instance to change its type; that is what a living machine waits with, for all that come before it.
    """

    def __init__(self, living_instance_types: Mapping[str, str]) -> None:
        """`living_instance_types` are by the names of the instances in the state."""
        self._living = living_instance_types
        self._steps: list[Resource] = []

    def awaited_by(self, machine: Machine) -> Sequence[Resource]:
        """What comes before the instance of `machine`: if it stops, all machines before it must serve again."""
        stops = self._living.get(machine.instance_name, machine.instance_type) != machine.instance_type
        return tuple(self._steps) if stops else ()

    def add(self, step: Resource) -> None:
        """`step` is complete when its machine serves; later machines wait for it."""
        self._steps.append(step)
