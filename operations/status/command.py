"""`python -m operations status`: asks all machines of a stack and its API how they are; changes nothing.

Ends with 1 where something does not work or soon won't, else with 0, whatever it warns of.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from typing import Any, Final

from components.delivery.node_files import PROGRAM
from components.plan import Plan
from operations.errors import OperationFailed
from operations.remote.machines import CommandFailed, Machines, explained, opened
from operations.remote.outputs import outputs
from operations.stack_files import add_stack_to, read_stack
from operations.status.judgement import Observation, judge
from operations.status.observed import ObservedCluster, read_cluster, read_machine
from operations.status.tables import tables

_PROBLEM: Final = 1


def add_to(commands: Any) -> None:
    """Adds the command to the parser's."""
    parser = commands.add_parser(
        "status", help="asks a stack's machines and its API how they are; changes nothing", description=__doc__
    )
    add_stack_to(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    stack = read_stack(arguments.stack, arguments.stacks)
    plan = Plan(stack.settings)
    with opened(plan, outputs(stack.name)) as machines:
        seen = look(plan, machines)
    now = time.time()
    assessment = judge(plan, seen, now)
    _say(tables(plan, seen, now))
    _say(f"warning: {warning}" for warning in assessment.warnings)
    _say(f"problem: {problem}" for problem in assessment.problems)
    if assessment.problems:
        return _PROBLEM
    print(f"stack {stack.name}: {'it works, with the warnings above' if assessment.warnings else 'all is well'}")
    return 0


def look(plan: Plan, machines: Machines) -> Observation:
    """Asks all machines at once, then one whose API server is ready."""
    names = [machine.name for machine in plan.control_planes_and_members]
    outcomes = machines.on_all(names, lambda name: read_machine(name, _asked(machines, name, "observe")))
    silent = [str(failure) for failure in outcomes.failed.values()]
    why = "no API server is ready"
    for machine in plan.control_planes:
        observed = outcomes.done.get(machine.name)
        if observed and observed.api_server == "":
            try:
                return Observation(outcomes.done, silent, _cluster(machines, machine.name))
            except OperationFailed as failure:
                why = str(failure)
    return Observation(outcomes.done, silent, None, why)


def _cluster(machines: Machines, name: str) -> ObservedCluster:
    return read_cluster(name, _asked(machines, name, "observe-cluster"))


def _asked(machines: Machines, name: str, step: str) -> str:
    try:
        return machines.ask(name, [PROGRAM, step])
    except CommandFailed as failure:
        raise explained(failure, name, step) from None


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)
