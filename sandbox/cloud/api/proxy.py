"""The operator's HTTPS proxy: answers for AWS's real host names, leads to load balancers, refuses every other host.

The names of load balancers are known in here alone: the host's own resolver stays as it is. Programs that honour
HTTPS_PROXY, like pulumi and kubectl, reach them by name all the same.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence

from sandbox.cloud.api.acceptor import Acceptor
from sandbox.cloud.api.certificates import CertificateAuthority
from sandbox.cloud.api.dial import connect_to_any
from sandbox.cloud.api.tls_front import Silent, pipe, serve_tls

_MAXIMUM_HEAD_BYTES = 16384
_CONNECT_SECONDS = 5.0
_NO_ADDRESS = "it has no public address, as an internal one"


def is_aws_host(host: str) -> bool:
    """Whether the name is one of AWS's API endpoints."""
    return host == "amazonaws.com" or host.endswith((".amazonaws.com", ".api.aws"))


class EndpointProxy(Acceptor):
    """An HTTP proxy on an open listening socket that takes CONNECT to AWS's endpoints on port 443, and to any port of
    a load balancer. `balancer` gives the public addresses of a load balancer's name, None where there is none.
    """

    def __init__(
        self,
        listener: socket.socket,
        authority: CertificateAuthority,
        upstream: tuple[str, int],
        say: Callable[[str], None],
        balancer: Callable[[str], Sequence[str] | None] = lambda _: None,
        silent: Silent = lambda _: False,
    ) -> None:
        super().__init__(listener, self._serve_connection, "proxy")
        self._balancer = balancer
        self._silent = silent
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
        addresses = self._balancer(host.lower()) if method == "CONNECT" and port.isdigit() else None
        if addresses is not None:
            self._lead_on(connection, target, [(address, int(port)) for address in addresses])
            return
        if method != "CONNECT" or port != "443" or not is_aws_host(host):
            self._refuse(connection, f"{method} {target}")
            return
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        serve_tls(connection, self._authority, lambda _: self._upstream, lambda _: None, self._say, self._silent)

    def _lead_on(self, connection: socket.socket, target: str, addresses: Sequence[tuple[str, int]]) -> None:
        """Bytes both ways with the first address that takes the connection."""
        try:
            server = connect_to_any(addresses, _CONNECT_SECONDS)
        except OSError as problem:
            trouble = f"{', '.join(address for address, _ in addresses)}: {problem}" if addresses else _NO_ADDRESS
            _answer(connection, "502 Bad Gateway", f"load balancer {target} does not answer here: {trouble}\n")
            return
        with connection, server, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            for opened in (connection, server):
                opened.settimeout(None)
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pipe(connection, server)

    def _refuse(self, connection: socket.socket, request: str) -> None:
        text = f"the sandbox's proxy answers for AWS's endpoints and load balancers alone; refused: {request}\n"
        self._say(text.strip())
        _answer(connection, "403 Forbidden", text)


def _answer(connection: socket.socket, status: str, text: str) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n"
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
