"""HTTP with bodies that don't fit into memory: answers read line by line, files sent from disk."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator, Mapping
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


def _connection(url: str, trust: Trust | None, seconds: float) -> http.client.HTTPConnection:
    address = urlsplit(url)
    host, port = address.hostname or "", address.port
    if address.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=seconds, blocksize=_BLOCK)
    context = trust.context() if trust else None
    return http.client.HTTPSConnection(host, port, timeout=seconds, context=context, blocksize=_BLOCK)
