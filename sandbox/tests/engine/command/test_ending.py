"""When an operation must end, and in which words it says why."""

from __future__ import annotations

import asyncio
import time

from sandbox.engine.command.ending import Ending


def waited(timeout: float, seconds: float, cancel: bool = False) -> str:
    async def wait() -> str:
        cancelled = asyncio.Event()
        if cancel:
            asyncio.get_running_loop().call_later(0.02, cancelled.set)
        return await Ending(cancelled, timeout).wait(seconds)

    return asyncio.run(wait())


def test_an_operation_without_a_reason_to_end_goes_on() -> None:
    assert waited(timeout=0, seconds=0.01) == ""
    assert waited(timeout=10, seconds=0.01) == ""


def test_it_ends_when_its_time_is_over() -> None:
    assert waited(timeout=0.01, seconds=10) == "context deadline exceeded"


def test_it_ends_at_once_when_the_update_is_cancelled() -> None:
    began = time.monotonic()
    assert waited(timeout=0, seconds=10, cancel=True) == "context canceled"
    assert time.monotonic() - began < 5
