"""How the sandbox's own processes end."""

from __future__ import annotations

import signal
import threading


def wait_to_be_ended() -> None:
    """Returns at SIGTERM or SIGINT."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    asked.wait()
