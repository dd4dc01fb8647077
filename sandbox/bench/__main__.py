"""`python -m sandbox.bench`: what a person asks to be measured."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import lifecycle, supervisor
from sandbox.bench import leftovers, measurements, speed
from sandbox.bench.program import Program
from sandbox.errors import SandboxError

_STACK = "education"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.bench", description=__doc__)
    modes = parser.add_subparsers(dest="mode", required=True)
    times = modes.add_parser("speed", help="time of `pulumi up` by parts, beside kubeadm by hand")
    times.add_argument("--runs", type=_positive, default=3)
    rows = modes.add_parser("leftovers", help="up and destroy in a row: figures first and last")
    rows.add_argument("--runs", type=_positive, default=20)
    for mode in (times, rows):
        mode.add_argument("--write", action="store_true", help=f"put the tables into {measurements.FILE.name}")
    chosen = parser.parse_args(arguments)
    try:
        with _sandbox() as program:
            text = _leftovers(program, chosen.runs) if chosen.mode == "leftovers" else _speed(program, chosen.runs)
            print(text)
            if chosen.write:
                measurements.write(chosen.mode, text)
                _say(f"written into {measurements.FILE}")
    except SandboxError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


def _speed(program: Program, runs: int) -> str:
    return speed.report(speed.measure(program, runs, _say))


def _leftovers(program: Program, number: int) -> str:
    before = leftovers.settled_footprint(program)
    runs: list[leftovers.Run] = []
    try:
        for run in leftovers.runs_in_a_row(program, number, _say):
            runs.append(run)
    except SandboxError:
        if runs:
            print(leftovers.report(before, runs))
        raise
    return leftovers.report(before, runs)


@contextmanager
def _sandbox() -> Iterator[Program]:
    """A program whose stack does not exist yet, in a sandbox that is taken down again where it was not up before."""
    was_up = supervisor.running() is not None
    lifecycle.up(_say)
    try:
        with tempfile.TemporaryDirectory(prefix="quorate-bench-") as folder:
            program = Program.copied_to(Path(folder), _STACK, lifecycle.environment(_say))
            program.create_stack()
            yield program
            program.remove_stack()
    finally:
        if not was_up:
            lifecycle.down(_say)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of runs")
    return number


_STARTED = time.monotonic()


def _say(line: str) -> None:
    print(f"[{time.monotonic() - _STARTED:6.1f} s] {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
