"""HTTP with bodies that don't fit into memory: answers read line by line, files sent from disk."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from components.node.common.failure import Failure
from components.node.common.https import Answer, Trust

_BLOCK = 1024**2


class Body(Protocol):
    """What is sent: a file, or what reads like one."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, if it is not -1; none at the end."""

    def seek(self, position: int, /) -> int:
        """From there on, `read` begins."""


@dataclass(frozen=True)
class Incoming:
    """An answer whose body is yet to come. `size` is what it says of that, in bytes; None where it says nothing."""

    host: str
    status: int
    size: int | None
    response: http.client.HTTPResponse

    def blocks(self) -> Iterator[bytes]:
        """The body, while it comes. Raises Failure where the connection breaks."""
        try:
            while block := self.response.read(_BLOCK):
                yield block
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"the connection to {self.host} broke off: {_why(error)}") from None

    def text(self) -> str:
        """The beginning of the body."""
        return next(self.blocks(), b"").decode(errors="replace")


@contextmanager
def incoming(url: str, seconds: float) -> Iterator[Incoming]:
    """The answer to a GET, its body read in the block. Raises Failure where none comes, and where nothing does for
    `seconds`; no message has more of the URL than its host: it may let in whoever has it.
    """
    try:
        address = urlsplit(url)
        connection = _connection(url, None, seconds)
    except (ValueError, http.client.HTTPException):
        raise Failure("the address to get it from is not a URL") from None
    host = address.hostname or ""
    with contextlib.closing(connection):
        try:
            connection.request("GET", f"{address.path}?{address.query}" if address.query else address.path)
            response = connection.getresponse()
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Failure(f"{host} does not answer: {_why(error)}") from None
        yield Incoming(host, response.status, response.length, response)


def posted_lines(url: str, trust: Trust, body: bytes, seconds: float) -> Iterator[bytes]:
    """The lines of the answer to a POST, while they come. Raises Failure for any other answer than 200, where the
    connection breaks, and where nothing comes for `seconds`.
    """
    with contextlib.closing(_connection(url, trust, seconds)) as connection:
        try:
            connection.request("POST", urlsplit(url).path, body)
            response = connection.getresponse()
            if response.status != http.client.OK:
                Answer(response.status, response.read(_BLOCK).decode(errors="replace")).expected(url)
            pending = b""
            while block := response.read1(_BLOCK):
                *lines, pending = (pending + block).split(b"\n")
                yield from lines
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"{url} broke off: {error or type(error).__name__}") from error
    if pending:
        raise Failure(f"{url} broke off within a line")


def put(url: str, body: Body, headers: Mapping[str, str], seconds: float) -> Answer:
    """The answer to a PUT of all that `body` has; `headers` have its Content-Length. Raises Failure where none comes,
    and where nothing moves for `seconds`.
    """
    with contextlib.closing(_connection(url, None, seconds)) as connection:
        try:
            # Who refuses says so and stops reading before all is sent.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request("PUT", urlsplit(url).path, body, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, response.read(_BLOCK).decode(errors="replace"))
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"{url} does not answer: {error or type(error).__name__}") from error


def _why(error: Exception) -> str:
    """Without what an exception of HTTP repeats: the address."""
    return (str(error) if isinstance(error, OSError) else "") or type(error).__name__


def _connection(url: str, trust: Trust | None, seconds: float) -> http.client.HTTPConnection:
    address = urlsplit(url)
    host, port = address.hostname or "", address.port
    if address.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=seconds, blocksize=_BLOCK)
    context = trust.context() if trust else None
    return http.client.HTTPSConnection(host, port, timeout=seconds, context=context, blocksize=_BLOCK)
