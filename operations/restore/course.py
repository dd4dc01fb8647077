"""A restore in its order, on the machines: each action may run again, so an interrupted one goes on from its beginning.

The snapshot is restored beside the data while the cluster still serves; then API servers stop, members exchange their
data, all of them start and are compared, and API servers start before controllers.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from components.delivery.node_files import PROGRAM
from components.node.restore.record import Record
from components.plan import Plan
from operations.errors import OperationFailed
from operations.remote.evidence import last_object
from operations.remote.machines import Outcomes
from operations.restore.judgement import is_way_back

T = TypeVar("T")
RESTORE: Final = (PROGRAM, "restore")


class Machines(Protocol):
    """The machines of a stack, as operations/remote reaches them."""

    def ask(self, name: str, argv: Sequence[str], stdin: bytes = ..., seconds: float = ...) -> str: ...

    def run(self, name: str, argv: Sequence[str], stdin: bytes = ..., seconds: float | None = ...) -> str: ...

    def on_all(self, names: Iterable[str], work: Callable[[str], T]) -> Outcomes[T]: ...


@dataclass(frozen=True)
class Wanted:
    """What the members are to hold: from where (as the node program's `restore prepare` takes it), and, where that is
    known, its `revision` before the bump and the number of its `keys`.
    """

    source: Mapping[str, Any] = field(repr=False)
    revision: int | None = None
    keys: int | None = None


@dataclass
class Course:
    """`say` gets lines of progress; `steps` are the seconds that each step took."""

    plan: Plan
    machines: Machines
    record: Record
    say: Callable[[str], object] = print
    clock: Callable[[], float] = time.monotonic
    steps: dict[str, float] = field(default_factory=dict)

    @property
    def members(self) -> Sequence[str]:
        return [machine.name for machine in self.plan.members]

    @property
    def control_planes(self) -> Sequence[str]:
        return [machine.name for machine in self.plan.control_planes]

    @property
    def all_machines(self) -> Sequence[str]:
        return [machine.name for machine in self.plan.control_planes_and_members]

    @property
    def _go_on(self) -> str:
        command = "`python -m operations restore`"
        if is_way_back(self.record):
            return f"What was begun stays as it is: {command} --undo goes on with it"
        return f"What was begun stays as it is: {command} goes on with it, and with --undo it goes back"

    def restore(self, wanted: Wanted) -> None:
        """Returns when the cluster works with what is `wanted`. Raises OperationFailed."""
        self._begin()
        # Once an API server has started on it, the data is in place and was compared.
        if not self.record.serves:
            with self._step("restore the snapshot beside the data"):
                self._act("prepare", self.members, source=wanted.source)
            with self._step("stop API servers and controllers"):
                self._act("stop-api", self.control_planes)
            with self._step("exchange the data of all members"):
                self._act("take-data", self.members)
            self._start_members(self.members)
            with self._step("compare the members"):
                self._compare(wanted)
        self._start_control_planes()
        self.end()

    def undo(self, with_data: Sequence[str]) -> None:
        """Returns when the cluster works with the data of before; `with_data` are the members that have some."""
        self._begin()
        with self._step("stop API servers and controllers"):
            self._act("stop-api", self.control_planes)
        with self._step("put the data of before in its place"):
            self._act("put-data-back", self.members)
        self._start_members(with_data)
        self._start_control_planes()
        self.end()

    def _begin(self) -> None:
        with self._step("keep other steps from disturbing it"):
            self._act("begin", self.all_machines)

    def _start_members(self, members: Sequence[str]) -> None:
        with self._step("start the members"):
            self._act("start-member", members)
            serving = self._act("wait-for-member", members)
        for name, found in serving.items():
            self.say(f"  {name}: member {found['member']} serves at revision {found['revision']}")

    def _compare(self, wanted: Wanted) -> None:
        if wanted.revision is None:
            return
        # Later ones may differ from member to member for a moment.
        held = self._act("held", self.members, revision=wanted.revision + self.record.bump)
        if len({(each["hash"], each["keys"]) for each in held.values()}) != 1:
            raise OperationFailed(f"the restored members differ: {_shown(held)}. {self._go_on}")
        (first, *_) = held.values()
        if wanted.keys is not None and first["keys"] != wanted.keys:
            raise OperationFailed(
                f"the restored members have {first['keys']} keys, and the snapshot had {wanted.keys}. {self._go_on}"
            )
        self.say(f"  all {len(held)} members hold {first['keys']} keys with the hash {first['hash']}")

    def _start_control_planes(self) -> None:
        with self._step("start API servers"):
            self._act("start-api-server", self.control_planes)
        with self._step("start controllers and kubelets"):
            self._act("bring-nodes-back", [self.plan.founder.name])
            self._act("start-controllers", self.control_planes)
        try:
            with self._step("wait until controllers, kubelets and what they run are back"):
                self.machines.run(self.plan.founder.name, (PROGRAM, "wait-restored"))
        except OperationFailed as unmet:
            # What is missing now is no longer a matter of the data, and the cluster's own care must go on.
            self.end()
            raise OperationFailed(f"the data is in place and the API serves it, but not all is back: {unmet}") from None

    def end(self) -> None:
        """Nothing is under way any more; what was set aside stays."""
        with self._step("let the other steps go on"):
            self._act("end", self.all_machines)

    def _act(self, action: str, names: Sequence[str], **given: Any) -> Mapping[str, Mapping[str, Any]]:
        """What each machine found. Raises OperationFailed, after the others have ended, where one fails."""
        members = {machine.name: machine.address for machine in self.plan.members}
        told = {
            "record": dataclasses.asdict(self.record),
            "members": members,
            "token": f"{self.plan.settings.cluster.name}-restore-{self.record.id}",
            **given,
        }

        def act(name: str) -> Mapping[str, Any]:
            printed = self.machines.run(name, (*RESTORE, action), json.dumps(told).encode())
            try:
                return last_object(printed)
            except ValueError:
                return {}

        try:
            return self.machines.on_all(names, act).all()
        except OperationFailed as failure:
            raise OperationFailed(f"{failure}. {self._go_on}") from None

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        self.say(f"{what} …")
        begun = self.clock()
        yield
        self.steps[what] = self.clock() - begun
        self.say(f"  {self.steps[what]:.1f} s")


def _shown(held: Mapping[str, Mapping[str, Any]]) -> str:
    return ", ".join(f"{name} has {each['keys']} keys with the hash {each['hash']}" for name, each in held.items())
