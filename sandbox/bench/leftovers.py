"""Runs of `pulumi up` and `pulumi destroy` in a row: what grows shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sandbox import status
from sandbox.bench.footprint import Footprint, footprint
from sandbox.bench.program import Program
from sandbox.bench.tables import table
from sandbox.errors import SandboxError
from sandbox.paths import state_dir

Say = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """One up and destroy: how long each took, and the sandbox's footprint after both."""

    up_seconds: float
    destroy_seconds: float
    after: Footprint


def runs_in_a_row(program: Program, number: int, say: Say) -> Iterator[Run]:
    """Yields each run when it is over. Raises PulumiFailed with the stack left as it is."""
    for index in range(number):
        started = time.monotonic()
        program.up()
        is_up = time.monotonic()
        program.destroy()
        is_gone = time.monotonic()
        run = Run(is_up - started, is_gone - is_up, current_footprint())
        say(f"run {index + 1} of {number}: up {run.up_seconds:.0f} s, destroy {run.destroy_seconds:.0f} s")
        yield run


def current_footprint() -> Footprint:
    found = status.running()
    if found is None:
        raise SandboxError(f"the supervisor is gone; see {status.log_file()}")
    return footprint(state_dir(), found.pid)


def report(before: Footprint, runs: Sequence[Run]) -> str:
    """A Markdown table: each figure before all runs, after the first, the second and the last, and what grew."""
    first, last = runs[0], runs[-1]
    rows = [
        ("`pulumi up`, s", "", f"{first.up_seconds:.0f}", f"{last.up_seconds:.0f}", ""),
        ("`pulumi destroy`, s", "", f"{first.destroy_seconds:.0f}", f"{last.destroy_seconds:.0f}", ""),
        *(
            (name, str(before[name]), str(value), str(last.after[name]), f"{last.after[name] - value:+d}")
            for name, value in first.after.items()
        ),
    ]
    return table(("figure", "before", "after run 1", f"after run {len(runs)}", "growth since run 1"), rows)
