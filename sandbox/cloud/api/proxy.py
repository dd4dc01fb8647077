"""The operator's HTTPS proxy: answers for AWS's real host names, and refuses every other host by name."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

from sandbox.cloud.api.acceptor import Acceptor
from sandbox.cloud.api.certificates import CertificateAuthority
from sandbox.cloud.api.tls_front import serve_tls

_MAXIMUM_HEAD_BYTES = 16384


def is_aws_host(host: str) -> bool:
    """Whether the name is one of AWS's API endpoints."""
    return host == "amazonaws.com" or host.endswith((".amazonaws.com", ".api.aws"))


class EndpointProxy(Acceptor):
    """An HTTP proxy on an open listening socket that takes CONNECT to AWS's endpoints on port 443 alone."""

    def __init__(
        self,
        listener: socket.socket,
        authority: CertificateAuthority,
        upstream: tuple[str, int],
        say: Callable[[str], None],
    ) -> None:
        super().__init__(listener, self._serve_connection, "proxy")
        self._authority = authority
        self._upstream = upstream
        self._say = say

    def _serve_connection(self, connection: socket.socket, _: str) -> None:
        connection.settimeout(30)
        try:
            method, target = _request_line(connection)
        except (OSError, ValueError):
            connection.close()
            return
        host, _, port = target.partition(":")
        if method != "CONNECT" or port != "443" or not is_aws_host(host):
            self._refuse(connection, f"{method} {target}")
            return
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        serve_tls(connection, self._authority, lambda _: self._upstream, lambda _: None, self._say)

    def _refuse(self, connection: socket.socket, request: str) -> None:
        text = f"the sandbox's proxy answers for AWS's endpoints alone; refused: {request}\n"
        self._say(text.strip())
        head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(text)}\r\nConnection: close\r\n"
        with connection, contextlib.suppress(OSError):
            connection.sendall(f"{head}\r\n{text}".encode())


def _request_line(connection: socket.socket) -> tuple[str, str]:
    """Method and target of the request; reads its head to the end. Raises ValueError for anything else."""
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = connection.recv(4096)
        if not chunk or len(head) > _MAXIMUM_HEAD_BYTES:
            raise ValueError("no request")
        head += chunk
    method, target, *_ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    return method, target
