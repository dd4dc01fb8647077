"""`python -m operations restore`: brings the cluster back to a snapshot of etcd, or goes back from there.

Says what will be lost, asks for the cluster's name, stops API servers, gives all members the same snapshot, keeps what
they had under another name, and waits until the cluster works. Interrupted, it goes on when it is called again.
"""

from __future__ import annotations

import argparse
from typing import Any

from components.plan import Plan
from operations.backups.bucket import opened_bucket
from operations.backups.snapshots import LATEST
from operations.errors import OperationFailed
from operations.remote.machines import opened
from operations.remote.outputs import outputs
from operations.restore.back import undo
from operations.restore.call import Call, Operator, show
from operations.restore.forward import restore
from operations.stack_files import add_stack_to, read_stack


def add_to(commands: Any) -> None:
    """Adds the command to the parser's."""
    parser = commands.add_parser(
        "restore", help="brings the cluster back to a snapshot of etcd, or goes back from there", description=__doc__
    )
    add_stack_to(parser)
    parser.add_argument("--snapshot", default=LATEST, metavar="ID", help="the snapshot; the latest, unless given")
    parser.add_argument("--at", default="", metavar="TIME", help="the newest that was begun then or before, in UTC")
    parser.add_argument("--undo", action="store_true", help="back to the data that was there before the restore")
    parser.add_argument("--yes", default="", metavar="NAME", help="the cluster's name, in place of typing it")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.undo and (arguments.at or arguments.snapshot != LATEST):
        raise OperationFailed("--undo goes back to the data of before: it takes no --snapshot and no --at")
    if arguments.at and arguments.snapshot != LATEST:
        raise OperationFailed("--snapshot names the snapshot, and --at another way to choose one: give one of them")
    stack = read_stack(arguments.stack, arguments.stacks)
    exported, plan = outputs(stack.name), Plan(stack.settings)
    with opened(plan, exported, show_of_machine) as machines:
        call = Call(plan, machines, Operator(arguments.yes))
        if arguments.undo:
            undo(call)
            return 0
        bucket = opened_bucket(exported, stack.settings.backups)
        show(f"stack {stack.name}, {bucket}, read as {bucket.reader()}")
        restore(call, bucket, arguments.snapshot, arguments.at)
    return 0


def show_of_machine(line: str) -> None:
    """A line of a machine's; what it found is JSON, for the program."""
    if not line.partition(": ")[2].startswith("{"):
        show(f"  {line}")
