"""Why an operation must end, and a way to wait for that: what Go calls a context."""

from __future__ import annotations

import asyncio
import math


class Ending:
    """Comes when `cancelled` is set, or after `timeout` seconds (the resource's customTimeouts; 0 without one)."""

    def __init__(self, cancelled: asyncio.Event, timeout: float) -> None:
        self._cancelled = cancelled
        self._deadline = asyncio.get_running_loop().time() + (timeout or math.inf)

    async def wait(self, seconds: float = math.inf) -> str:
        """Why it must end, within so many seconds; "" if it need not."""
        left = self._deadline - asyncio.get_running_loop().time()
        try:
            await asyncio.wait_for(self._cancelled.wait(), min(seconds, left))
        except TimeoutError:
            return "context deadline exceeded" if left <= seconds else ""
        return "context canceled"
