"""Connecting to a name with several addresses, some of which may be silent."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import time
from collections.abc import Sequence

STAGGER_SECONDS = 0.25


def connect_to_any(addresses: Sequence[tuple[str, int]], seconds: float) -> socket.socket:
    """A connection to the first that answers: each is given a moment before the next is tried beside it (RFC 8305).

    Raises OSError with the last refusal, or where none has answered within `seconds`.
    """
    deadline = time.monotonic() + seconds
    left = list(addresses)
    problem = OSError("it has no address")
    with contextlib.ExitStack() as losers, selectors.DefaultSelector() as waiting:
        while (left or waiting.get_map()) and time.monotonic() < deadline:
            if left:
                opened = losers.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
                opened.setblocking(False)
                opened.connect_ex(left.pop(0))
                waiting.register(opened, selectors.EVENT_WRITE)
            for key, _ in waiting.select(STAGGER_SECONDS if left else max(0.0, deadline - time.monotonic())):
                answered = key.fileobj
                assert isinstance(answered, socket.socket)
                waiting.unregister(answered)
                refusal = answered.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not refusal:
                    winner = answered.dup()
                    winner.setblocking(True)
                    return winner
                problem = OSError(refusal, os.strerror(refusal))
        if waiting.get_map():
            raise TimeoutError(errno.ETIMEDOUT, f"no answer within {seconds:.0f} s")
    raise problem
