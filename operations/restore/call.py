"""One call of the command: the machines are looked at, reasons against it come at once, the operator is asked."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from components.delivery.node_files import PROGRAM
from components.node.etcd.snapshot.due import iso_time
from components.node.etcd.snapshot.fetch import Offer
from components.node.restore.record import Record
from components.plan import Plan
from operations.backups.snapshots import Snapshot
from operations.errors import OperationFailed
from operations.remote.machines import CommandFailed, explained
from operations.restore.course import Course, Machines
from operations.restore.evidence import Evidence, read_evidence

_EVIDENCE: Final = (PROGRAM, "restore", "evidence")
# What an interrupted call had begun on a machine goes on there, and is waited for.
_LOOK_SECONDS: Final = 900


def show(line: str) -> None:
    """At once, also where the output goes to a file."""
    print(line, flush=True)


class Snapshots(Protocol):
    """The bucket, as operations/backups reads it. Both raise OperationFailed."""

    def snapshots(self) -> Sequence[Snapshot]: ...

    def offer(self, snapshot: Snapshot) -> Offer: ...


@dataclass(frozen=True)
class Operator:
    """Who calls: reads lines by `say`, and answers by `ask`. `name` is what was typed of the cluster's name already."""

    name: str = ""
    say: Callable[[str], object] = show
    ask: Callable[[str], str] = input
    now: Callable[[], float] = time.time


@dataclass(frozen=True)
class Seen:
    """What the machines say, by name, and why others say nothing."""

    found: Mapping[str, Evidence]
    silent: Sequence[str]

    @property
    def all(self) -> Sequence[Evidence]:
        return [*self.found.values()]


@dataclass(frozen=True)
class Call:
    plan: Plan
    machines: Machines
    operator: Operator = field(default_factory=Operator)

    @property
    def cluster(self) -> str:
        return self.plan.settings.cluster.name

    @property
    def members(self) -> Sequence[str]:
        """The machines that hold a member."""
        return [machine.name for machine in self.plan.members]

    def look(self) -> Seen:
        """Asks all machines at once; changes nothing."""
        names = [machine.name for machine in self.plan.control_planes_and_members]
        outcomes = self.machines.on_all(names, self._evidence)
        return Seen(outcomes.done, [str(failure) for failure in outcomes.failed.values()])

    def refuse(self, reasons: Sequence[str]) -> None:
        """Raises OperationFailed where there are any."""
        if reasons:
            listed = "".join(f"\n  - {reason}" for reason in reasons)
            raise OperationFailed(f"nothing was stopped or changed:{listed}")

    def confirm(self, what: str, losses: Sequence[str]) -> None:
        """Raises OperationFailed unless the operator types the cluster's name."""
        say = self.operator.say
        say(f"This will {what}:")
        for line in losses:
            say(f"  - {line}")
        say("  - the API does not answer meanwhile; pods that run go on")
        typed = self.operator.name
        if not typed:
            try:
                typed = self.operator.ask(f"Type the cluster's name, {self.cluster}, to go on: ")
            except EOFError:
                typed = ""
        if typed.strip() != self.cluster:
            raise OperationFailed(f"nothing was changed: {typed.strip() or 'nothing'} is not {self.cluster}")

    def new_record(self, snapshot: str, bump: int, replaces: str = "") -> Record:
        """Of a restore that begins now. Its id sorts by time."""
        begun = iso_time(self.operator.now())
        id = f"{begun.replace('-', '').replace(':', '')}-{secrets.token_hex(2)}"
        return Record(id, snapshot, bump, begun, replaces=replaces)

    def course(self, record: Record) -> Course:
        return Course(self.plan, self.machines, record, self.operator.say)

    def report(self, course: Course, outcome: str) -> None:
        """The last lines: what it came to, and the time that it took."""
        say = self.operator.say
        say(f"{outcome}; it took {sum(course.steps.values()):.0f} s:")
        for step, seconds in course.steps.items():
            say(f"  {seconds:7.1f} s  {step}")
        if course.record.undo:
            left = f"What had been restored is in /var/lib/etcd/data.undone-restore-{course.record.id} on each member"
        else:
            left = (
                f"What was there before is in /var/lib/etcd/data.before-restore-{course.record.id} on each member: "
                "`python -m operations restore --undo` goes back to it"
            )
        say(f"{left}. Delete it when nobody misses anything")

    def _evidence(self, name: str) -> Evidence:
        try:
            return read_evidence(name, self.machines.ask(name, _EVIDENCE, seconds=_LOOK_SECONDS))
        except CommandFailed as failure:
            raise explained(failure, name, " ".join(_EVIDENCE[1:])) from None
