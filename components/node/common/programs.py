"""Running other programs. Secrets go through standard input only: command lines are public on a machine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence

from components.node.common import log
from components.node.common.failure import Failure

_LAST_LINES = 5


def run(
    command: Sequence[str],
    *,
    stdin: str = "",
    seconds: float = 60,
    accepted: Sequence[int] = (0,),
    environment: Mapping[str, str] | None = None,
) -> str:
    """The standard output of `command`. Raises Failure, with the last lines it printed, for any other exit code."""
    return output_and_code(command, stdin=stdin, seconds=seconds, accepted=accepted, environment=environment)[0]


def output_and_code(
    command: Sequence[str],
    *,
    stdin: str = "",
    seconds: float = 60,
    accepted: Sequence[int] = (0,),
    environment: Mapping[str, str] | None = None,
) -> tuple[str, int]:
    """Like `run`, with the exit code, for programs that answer by it."""
    try:
        done = subprocess.run(
            command, input=stdin, text=True, errors="replace", capture_output=True, timeout=seconds, env=environment
        )
    except FileNotFoundError as error:
        raise Failure(f"{command[0]} is not installed on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{command[0]} did not end within {seconds:.0f}s") from error
    if done.returncode not in accepted:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        # A program in Go that panics says why first, and then where it was.
        said = [line for line in lines if line.startswith("panic: ")] or lines[-_LAST_LINES:]
        raise Failure(f"{command[0]} ended with {done.returncode}: {' / '.join(said) or 'it printed nothing'}")
    return done.stdout, done.returncode


def succeeds(command: Sequence[str], seconds: float = 60) -> bool:
    """Whether `command` ends with 0."""
    try:
        run(command, seconds=seconds)
    except Failure:
        return False
    return True


def run_reporting(command: Sequence[str]) -> None:
    """Runs a program of quorate's, whose lines are reported while they come. Raises Failure where it fails."""
    if code := stream(command):
        name = " ".join([command[0].rpartition("/")[2], *command[1:]])
        raise Failure(f"{name} ended with {code}; its messages are above")


def stream(command: Sequence[str], *, shown: Callable[[str], str | None] = lambda line: line) -> int:
    """Runs `command` and reports each line while it comes, as `shown` gives it back; None withholds it."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            text = shown(line)
            if text is not None:
                log.write(text)
    return process.returncode
