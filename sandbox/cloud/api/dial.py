"""Connecting to a name with several addresses, some of which may be silent."""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from collections.abc import Sequence

STAGGER_SECONDS = 0.25


def connect_to_any(addresses: Sequence[tuple[str, int]], seconds: float) -> socket.socket:
    """A connection to the first that answers: each is given a moment before the next is tried beside it (RFC 8305).

    Raises OSError with the last refusal, or where none has answered within `seconds`.
    """
    deadline = time.monotonic() + seconds
    waiting: list[socket.socket] = []
    left = list(addresses)
    problem = OSError("it has no address")
    winner: socket.socket | None = None
    while winner is None and (left or waiting) and time.monotonic() < deadline:
        if left:
            opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            opened.setblocking(False)
            opened.connect_ex(left.pop(0))
            waiting.append(opened)
        _, ready, _ = select.select([], waiting, [], STAGGER_SECONDS if left else max(0.0, deadline - time.monotonic()))
        for opened in ready:
            refusal = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not refusal and winner is None:
                winner = opened
            elif refusal:
                waiting.remove(opened)
                opened.close()
                problem = OSError(refusal, os.strerror(refusal))
    for opened in waiting:
        if opened is not winner:
            opened.close()
    if winner is not None:
        winner.setblocking(True)
        return winner
    raise TimeoutError(errno.ETIMEDOUT, f"no answer within {seconds:.0f} s") if waiting else problem
