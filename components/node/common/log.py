"""What a step reports: lines on its output and in its log file, with the time and the step's name."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

LOGS = Path(os.environ.get("QUORATE_LOGS", "/var/log/quorate"))

_step = "quorate-node"


def log_file(step: str) -> Path:
    """Where the reports of `step` are kept."""
    return LOGS / f"{step}.log"


def begin_log(step: str) -> None:
    """From here on, `report` speaks for `step`."""
    global _step
    _step = step
    LOGS.mkdir(parents=True, exist_ok=True)


def report(text: str) -> None:
    """A line of progress. Several lines keep their breaks."""
    write(f"{time.strftime('%H:%M:%S', time.gmtime())} {_step}: {text}\n")


def report_failure(machine: str, reason: str) -> None:
    """The last line of a step that failed."""
    write(f"{time.strftime('%H:%M:%S', time.gmtime())} {_step} FAILED on {machine}: {reason}\n")


def write(text: str) -> None:
    """Text as it is, such as another program's output, to both places."""
    # Pulumi or systemd may have stopped reading: the step goes on, and its log file has all of it.
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        pass
    try:
        with log_file(_step).open("a") as file:
            file.write(text)
    except OSError:
        pass
