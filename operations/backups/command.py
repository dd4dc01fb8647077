"""`python -m operations backups`: which snapshots of etcd a stack has, one more now, or one proven again.

`list` (and no word) ends with 1 where none counts or the next one is overdue, `verify` where the snapshot is not what
its manifest says; everything ends with 1 where it could not be done, else with 0.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from components.delivery.node_files import PROGRAM
from components.node.common.failure import Failure
from components.node.etcd.snapshot.manifest import manifest_of
from components.node.etcd.snapshot.outcome import OUTCOME
from components.plan import Plan
from operations.backups.bucket import Bucket, opened_bucket
from operations.backups.snapshots import LATEST, Snapshot, chosen, lines, problems, utc
from operations.errors import OperationFailed
from operations.remote.machines import CommandFailed, Machines, NotReached, explained, opened
from operations.remote.outputs import outputs
from operations.stack_files import add_stack_to, read_stack

_PROBLEM: Final = 1


def add_to(commands: Any) -> None:
    """Adds the command to the parser's."""
    parser = commands.add_parser(
        "backups", help="which snapshots of etcd there are; takes one, or proves one again", description=__doc__
    )
    add_stack_to(parser)
    parser.set_defaults(run=_list)
    words = parser.add_subparsers(title="what to do", metavar="list|now|verify")
    words.add_parser("list", help="what is in the bucket, the newest first; changes nothing").set_defaults(run=_list)
    words.add_parser("now", help="a machine that holds a member takes one now").set_defaults(run=_now)
    verify = words.add_parser("verify", help="a machine fetches one, restores it on trial, compares it: takes minutes")
    verify.add_argument("snapshot", metavar="ID", nargs="?", default=LATEST, help=f"its ID; without one, {LATEST}")
    verify.set_defaults(run=_verify)


class _Opened:
    """A stack's plan, what it exports, and its bucket. Raises OperationFailed where there is none."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        stack = read_stack(arguments.stack, arguments.stacks)
        self.plan, self.exported = Plan(stack.settings), outputs(stack.name)
        self.backups = stack.settings.backups
        self.bucket = opened_bucket(self.exported, self.backups)
        self.headline = f"stack {stack.name}, {self.bucket}"

    def bucket_as_operator(self) -> Bucket:
        """The bucket, once it is said who reads it."""
        _say(f"{self.headline}, read as {self.bucket.reader()}")
        return self.bucket


def _list(arguments: argparse.Namespace) -> int:
    stack = _Opened(arguments)
    found, now = stack.bucket_as_operator().snapshots(), time.time()
    if found:
        _say(*lines(found, members(stack.plan), now))
    wrong = list(problems(found, stack.backups, now))
    if not wrong:
        _say(f"as of {utc(now)}: fine")
        return 0
    _say(*(f"problem: {problem}" for problem in wrong))
    with opened(stack.plan, stack.exported) as machines:
        _say(*failures(machines))
    _say(f"take one now: python -m operations backups --stack {arguments.stack} now")
    return _PROBLEM


def _now(arguments: argparse.Namespace) -> int:
    stack = _Opened(arguments)
    _say(stack.headline)
    with opened(stack.plan, stack.exported) as machines:
        name = answering_member(machines)
        _run_step(machines, name, "take-snapshot", "--now")
        taken = noted(machines, name).get("lastSuccess")
    try:
        manifest = manifest_of(taken)
    except Failure as failure:
        raise OperationFailed(
            f"{name} has taken one, but {OUTCOME} there can't be read: {failure}. `list` shows what is in the bucket"
        ) from None
    snapshot = Snapshot(f"{manifest.retention}/{manifest.id}", manifest)
    _say(*lines([snapshot], members(stack.plan), time.time()))
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    stack = _Opened(arguments)
    bucket = stack.bucket_as_operator()
    snapshot = chosen(bucket.snapshots(), arguments.snapshot)
    _say(*lines([snapshot], members(stack.plan), time.time()))
    with opened(stack.plan, stack.exported) as machines:
        name = answering_member(machines)
        # Signed last: it is good for minutes.
        _run_step(machines, name, "verify-snapshot", given=bucket.offer(snapshot).text().encode())
    return 0


def _run_step(machines: Machines, name: str, *step: str, given: bytes = b"") -> None:
    try:
        machines.run(name, [PROGRAM, *step], given)
    except CommandFailed as failure:
        raise explained(failure, name, " ".join(step)) from None


def members(plan: Plan) -> Mapping[str, str]:
    """Names of the machines that hold members, by their addresses."""
    return {machine.address: machine.name for machine in plan.members}


def answering_member(machines: Machines) -> str:
    """The first machine that holds a member and can be reached. Raises OperationFailed where none can."""
    found = []
    for machine in machines.plan.members:
        try:
            machines.ask(machine.name, ["true"])
        except NotReached as failure:
            found.append(str(failure))
            continue
        return machine.name
    raise OperationFailed("; ".join(found))


def failures(machines: Machines) -> Iterator[str]:
    """What each machine that holds a member says of its last failure, if it has had no success since."""
    names = [machine.name for machine in machines.plan.members]
    outcomes = machines.on_all(names, lambda name: noted(machines, name))
    for name in names:
        if name in outcomes.failed:
            yield str(outcomes.failed[name])
            continue
        failure, success = (outcomes.done[name].get(one) or {} for one in ("lastFailure", "lastSuccess"))
        if failure and failure.get("time", "") > success.get("time", ""):
            yield f"{name}: its last attempt failed at {failure.get('time')}: {failure.get('reason')}"
        else:
            yield f"{name}: no attempt has failed since its last success; see /var/log/quorate/take-snapshot.log there"


def noted(machines: Machines, name: str) -> Mapping[str, Any]:
    """What a machine has noted of its snapshots. Raises NotAnswered."""
    said = machines.ask(name, ["sh", "-c", f"test ! -e {OUTCOME} || cat {OUTCOME}"])
    try:
        found = json.loads(said or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise OperationFailed(f"{name}: {OUTCOME} can't be read; run take-snapshot --now there, which writes it")
    return found


def _say(*told: str) -> None:
    for line in told:
        print(line, flush=True)
