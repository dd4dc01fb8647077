"""`python -m operations aws-smoke`: asks the first real account what no sandbox can know, and changes nothing.

Ends with 3 if an answer differs from what this program assumes, else with 0; what could not be asked says why.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from components.network.traffic import Party, allowed
from components.plan import Plan
from operations.errors import NotAnswered
from operations.remote.aws import Ask, Aws, identity
from operations.remote.outputs import outputs
from operations.smoke.answers import Answer, Outcome, answers, once
from operations.smoke.living import health_of, living_questions, target_group
from operations.smoke.machine import AskMachine, Machine
from operations.smoke.region import region_questions
from operations.smoke.watch import connection_to, verdicts, watched
from operations.stack_files import add_stack_to, read_stack

_DIFFERS: Final = 3


def add_to(commands: Any) -> None:
    """Adds the command to the parser's."""
    parser = commands.add_parser(
        "aws-smoke", help="asks the account what no sandbox can know; changes nothing", description=__doc__
    )
    add_stack_to(parser)
    parser.add_argument(
        "--watch",
        type=float,
        metavar="SECONDS",
        help="instead, look at the load balancers' targets for so long, while you run `pulumi up`; Ctrl-C ends it",
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    stack = read_stack(arguments.stack, arguments.stacks)
    ask, plan = Aws(stack.region), Plan(stack.settings)
    print(f"stack {stack.name}, region {stack.region}, asked as {identity(ask)}", flush=True)
    exported = once(partial(outputs, stack.name))
    if arguments.watch is not None:
        return say(watch(ask, plan, exported, arguments.watch))
    return say(all_answers(ask, plan, Machine(plan, exported)))


def all_answers(ask: Ask, plan: Plan, machine: AskMachine) -> Iterator[Answer]:
    """Of the region, then of the stack."""
    yield from answers(region_questions(ask, plan))
    yield from answers(living_questions(ask, plan, machine))


def watch(ask: Ask, plan: Plan, exported: Callable[[], Any], seconds: float) -> Iterator[Answer]:
    """What is seen of the stack's targets for so long."""
    if not plan.target_group_names:
        yield Answer("targets", Outcome.NOT_ASKED, "the stack has no load balancer")
        return

    def states() -> dict[str, str]:
        found = {}
        for group in plan.target_group_names:
            for address, (state, _) in health_of(ask, target_group(ask, group)).items():
                found[f"{group}/{address}"] = state
        return found

    connect = connection_to(host) if (host := balanced_host(plan, exported)) else None
    yield from verdicts(watched(states, connect, seconds), connect is not None)


def balanced_host(plan: Plan, exported: Callable[[], Any]) -> str:
    """Where operators reach a load balancer; "" where they reach machines, or before the first `up` has ended."""
    ways = {row.target for row in allowed(plan.settings) if row.source is Party.OPERATORS_API}
    if not ways & {Party.LOAD_BALANCER, Party.PUBLIC_LOAD_BALANCER}:
        return ""
    try:
        return str(exported().get("apiAddress", ""))
    except NotAnswered:
        return ""


def say(given: Iterator[Answer]) -> int:
    """Prints each answer as soon as it is there, and returns the exit status."""
    differs = 0
    for answer in given:
        print(answer, flush=True)
        differs += answer.outcome is Outcome.DIFFERS
    return _DIFFERS if differs else 0
