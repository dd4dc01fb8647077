"""Waiting for something that can be asked: a probe, a deadline, and the last answer when it passes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from components.node.common.failure import Failure, Hopeless

T = TypeVar("T")


class NotYet(Exception):
    """Raised by a probe: what it found instead of what is waited for."""


def wait_until(seconds: float, what: str, probe: Callable[[], T], *, every: float = 1.0) -> T:
    """The first result of `probe` that is not NotYet. Raises Failure with its last answer after `seconds`.

    A Failure of the probe counts as an answer, too: what it asks may only just be starting. Not so a Hopeless one.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return probe()
        except Hopeless:
            raise
        except (NotYet, Failure) as answer:
            last = str(answer)
        if time.monotonic() >= deadline:
            raise Failure(f"waited {seconds:.0f}s for {what}; the last answer was: {last}")
        time.sleep(every)
