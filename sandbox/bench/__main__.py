"""`python -m sandbox.bench`: what a person asks to be measured."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from sandbox import lifecycle, status
from sandbox.bench import leftovers, measurements, preview, speed
from sandbox.bench.program import Program
from sandbox.bench.report import report
from sandbox.errors import SandboxError

_STACKS = ("education", "dev", "prod")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.bench", description=__doc__)
    modes = parser.add_subparsers(dest="mode", required=True)
    times = modes.add_parser("speed", help="time of `pulumi up` by parts, beside kubeadm by hand")
    times.add_argument("--stack", choices=_STACKS, default=_STACKS[0])
    times.add_argument("--runs", type=_positive, default=3)
    times.add_argument(
        "--set", action="append", default=[], type=_setting, metavar="GROUP.KEY=VALUE",
        help="a setting in place of the stack file's; without VALUE it is left out",
    )  # fmt: skip
    rows = modes.add_parser("leftovers", help="up and destroy in a row: figures first and last")
    rows.add_argument("--runs", type=_positive, default=20)
    previews = modes.add_parser("preview", help="`pulumi preview --stack prod`, beside an empty program; with policies")
    previews.add_argument("--runs", type=_positive, default=5)
    for mode in (times, rows, previews):
        mode.add_argument("--write", action="store_true", help=f"put the tables into {measurements.FILE.name}")
    chosen = parser.parse_args(arguments)
    # What is being measured is taken down then, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        heading, text = {"speed": _speed, "leftovers": _leftovers, "preview": _preview}[chosen.mode](chosen)
        print(text)
        if chosen.write:
            measurements.write(heading, text)
            _say(f"written into {measurements.FILE}")
    except SandboxError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


def _speed(chosen: argparse.Namespace) -> tuple[str, str]:
    """Heading and text."""
    load = os.getloadavg()[0]
    with _sandbox(chosen.stack) as program:
        # To be destroyed again is what a measured cluster is for.
        changes = [("etcd", "protectVolumes", False), *chosen.set]
        for group, key, value in changes:
            program.set(group, key, value)
        found = speed.measure(program, chosen.runs, _say)
    variant = "".join(f", {group}.{key}={value}" for group, key, value in chosen.set if value is not None)
    text = f"Load average before the first run: {load:.1f}.\n\n{report(chosen.stack, found)}"
    return f"Speed of the {chosen.stack} stack{variant}", text


def _preview(chosen: argparse.Namespace) -> tuple[str, str]:
    """Heading and text."""
    load = os.getloadavg()[0]
    with _environment() as environment, tempfile.TemporaryDirectory(prefix="quorate-bench-") as folder:
        previews = preview.cases(Path(folder), environment)
        programs = {case.program.stack: case.program for case in previews.values()}
        for program in programs.values():
            program.create_stack()
        text = preview.report(preview.measure(previews, chosen.runs, _say))
        for program in programs.values():
            program.remove_stack()
    return "Preview of the prod stack", f"Load average before the first run: {load:.1f}.\n\n{text}"


def _leftovers(chosen: argparse.Namespace) -> tuple[str, str]:
    """Heading and text."""
    runs: list[leftovers.Run] = []
    with _sandbox(_STACKS[0]) as program:
        before = leftovers.current_footprint()
        try:
            for run in leftovers.runs_in_a_row(program, chosen.runs, _say):
                runs.append(run)
        except SandboxError:
            if runs:
                print(leftovers.report(before, runs))
            raise
    return "Leftovers of runs in a row", leftovers.report(before, runs)


@contextmanager
def _environment() -> Iterator[Mapping[str, str]]:
    """What pulumi needs in a sandbox, which is taken down again where it was not up before."""
    was_up = status.running() is not None
    lifecycle.up(_say)
    try:
        yield lifecycle.environment(_say)
    finally:
        if not was_up:
            lifecycle.down(_say)


@contextmanager
def _sandbox(stack: str) -> Iterator[Program]:
    """A program whose stack does not exist yet, in a sandbox."""
    with _environment() as environment, tempfile.TemporaryDirectory(prefix="quorate-bench-") as folder:
        program = Program.copied_to(Path(folder), stack, environment)
        program.create_stack()
        yield program
        program.remove_stack()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of runs")
    return number


def _setting(text: str) -> tuple[str, str, object]:
    """Group, key and value (YAML) of `etcd.members=5`."""
    name, equals, value = text.partition("=")
    group, _, key = name.partition(".")
    if not (group and key and equals):
        raise argparse.ArgumentTypeError(f"{text} is not like etcd.members=5")
    return group, key, yaml.safe_load(value)


_STARTED = time.monotonic()


def _say(line: str) -> None:
    print(f"[{time.monotonic() - _STARTED:6.1f} s] {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
