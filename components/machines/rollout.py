"""Who waits for whom: machines that an update stops go one at a time, so that etcd keeps its quorum."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi import Resource

from components.delivery.living_user_data import kept
from components.machines.identity import MachineIdentity
from components.machines.machine import instance_name
from components.previous_update import PreviousUpdate


class Rollout:
    """The order of machines, by what the state knows of them.

    A machine that is not there is made at once: it serves nobody, and the members of a new cluster need each other.
    AWS stops an instance to change its type; before that, all machines that come before it must serve.
    """

    def __init__(self, previous: PreviousUpdate) -> None:
        self._previous = previous
        self._steps: list[Resource] = []

    def awaited_by(self, machine: MachineIdentity) -> Sequence[Resource]:
        """What comes before the instance of `machine`: if it stops, all machines before it must serve again."""
        planned = machine.planned.instance_type
        observed = self._previous.instance_types.get(instance_name(machine.resource_name), planned)
        return tuple(self._steps) if observed != planned else ()

    def add(self, step: Resource) -> None:
        """`step` is complete when its machine serves; later machines wait for it."""
        self._steps.append(step)

    def comes_back(self, name: str) -> bool:
        """Whether the control plane `name` has etcd's data from before, but its instance has not served yet.

        Then it may be needed for a quorum.
        """
        return name in self._previous.etcd_members and f"{name}-configure" not in self._previous.done

    def user_data(self, template: str, new: str) -> str:
        """What a pool's launch template gets: `new` replaces its workers, and for another program alone that waits."""
        return kept(self._previous.user_data.get(template, ""), new)
