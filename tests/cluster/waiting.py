"""Waits for what a fault or a change brings about."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(reached: Callable[[], T], wanted: str, seconds: float) -> T:
    """The first truthy answer. Fails after `seconds`, with what was wanted and the last answer."""
    deadline = time.monotonic() + seconds
    while not (found := reached()):
        assert time.monotonic() < deadline, f"after {seconds:.0f} s: {wanted}; last: {found!r}"
        time.sleep(0.5)
    return found
