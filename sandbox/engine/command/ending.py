"""Why an operation must end, and a way to wait for that: what Go calls a context."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Ending:
    """`reason` is empty as long as the operation may go on."""

    def __init__(self) -> None:
        self.reason = ""
        self._ended = asyncio.Event()

    def end(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._ended.set()

    async def wait(self, seconds: float | None = None) -> bool:
        """Whether it must end, after at most so many seconds."""
        try:
            await asyncio.wait_for(self._ended.wait(), seconds)
        except TimeoutError:
            return False
        return True


class Endings:
    """The endings of all operations that run. Once cancelled, those that still start end at once."""

    def __init__(self) -> None:
        self._cancelled = False
        self._running: set[Ending] = set()

    def cancel(self) -> None:
        self._cancelled = True
        for ending in self._running:
            ending.end("context canceled")

    @contextmanager
    def operation(self, timeout: float) -> Iterator[Ending]:
        """`timeout` in seconds, from the resource's customTimeouts; 0 without one."""
        ending = Ending()
        if self._cancelled:
            ending.end("context canceled")
        self._running.add(ending)
        loop = asyncio.get_running_loop()
        timer = loop.call_later(timeout, ending.end, "context deadline exceeded") if timeout else None
        try:
            yield ending
        finally:
            self._running.discard(ending)
            if timer:
                timer.cancel()
