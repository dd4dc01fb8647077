"""One operation on one resource: whom to tell, and when to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sandbox.engine.plugin.engine_log import EngineLog


class Task:
    """Progress messages of one resource, and waits that end when the engine cancels."""

    def __init__(
        self,
        urn: str,
        log: EngineLog,
        cancelled: threading.Event,
        on_cancel: Callable[[Callable[[], None]], Callable[[], None]],
    ) -> None:
        self.urn = urn
        self.log = log
        self.cancelled = cancelled
        self.on_cancel = on_cancel
        self._last = ""

    def status(self, message: str) -> None:
        """What the resource is doing now, in its line of the display; said again only when it changes."""
        if message != self._last:
            self._last = message
            self.log.status(self.urn, message)

    def clear(self) -> None:
        if self._last:
            self.status("")

    def pause(self, seconds: float) -> bool:
        """Waits; False when cancelled meanwhile."""
        return not self.cancelled.wait(seconds)


class Deadline:
    """A moment in the future."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        return max(0.0, self._at - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.remaining == 0.0
