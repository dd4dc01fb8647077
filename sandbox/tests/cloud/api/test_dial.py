"""Connecting to a name with several addresses."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from sandbox.cloud.api.dial import connect_to_any


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield opened


@pytest.fixture
def silent() -> Iterator[tuple[str, int]]:
    """An address that neither takes nor refuses a connection: its queue is full."""
    with socket.socket() as opened, socket.socket() as first, socket.socket() as second:
        opened.bind(("127.0.0.1", 0))
        opened.listen(0)
        for filling in (first, second):
            filling.setblocking(False)
            filling.connect_ex(opened.getsockname())
        yield opened.getsockname()


def refusing() -> tuple[str, int]:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address: tuple[str, int] = closed.getsockname()
    return address


def test_a_silent_address_costs_a_moment_and_no_more(listener: socket.socket, silent: tuple[str, int]) -> None:
    started = time.monotonic()
    with connect_to_any([silent, listener.getsockname()], 5) as opened:
        assert opened.getpeername() == listener.getsockname()
        assert opened.gettimeout() is None
    assert time.monotonic() - started < 2


def test_an_address_that_refuses_is_passed_over(listener: socket.socket) -> None:
    with connect_to_any([refusing(), listener.getsockname()], 5) as opened:
        assert opened.getpeername() == listener.getsockname()


def test_the_refusal_is_told_where_all_refuse() -> None:
    with pytest.raises(OSError, match="Connection refused"):
        connect_to_any([refusing(), refusing()], 5)


def test_silence_ends_with_the_time_that_was_given(silent: tuple[str, int]) -> None:
    with pytest.raises(TimeoutError, match="no answer within 0 s"):
        connect_to_any([silent], 0.3)


def test_no_address_is_an_error_too() -> None:
    with pytest.raises(OSError, match="no address"):
        connect_to_any([], 1)
