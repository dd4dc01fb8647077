"""Moments at which a run of pulumi is cut off, and the ways to do it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable

from tests.cluster.on_machines import log_of_step

Moment = Callable[[str], bool]
"""Whether it has come, by what pulumi has printed so far."""

Act = Callable[[subprocess.Popen[bytes]], None]
"""What is done to the run then."""


def printed(pattern: str) -> Moment:
    return lambda text: re.search(pattern, text) is not None


def logged(step: str, pattern: str) -> Moment:
    """A moment inside of a node script, by its log on any machine."""
    return lambda _: re.search(pattern, log_of_step(step)) is not None


def logged_again(step: str, pattern: str) -> Moment:
    """A moment like `logged`, that did not come before it was first asked for."""
    before: list[int] = []

    def has_come(_: str) -> bool:
        found = len(re.findall(pattern, log_of_step(step)))
        before.append(found)
        return found > before[0]

    return has_come


def ctrl_c(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGINT)


def kill_9(process: subprocess.Popen[bytes]) -> None:
    process.kill()
