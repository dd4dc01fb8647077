"""Processes that a test interrupts as a person does."""

from __future__ import annotations

import signal


def heed_interrupts() -> None:
    """For `preexec_fn`: what a shell starts in the background ignores interrupts, and so does all that it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
