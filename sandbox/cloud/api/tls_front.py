"""TLS in front of plain HTTP services: the certificate by the name that the client asks for, then bytes both ways."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from collections.abc import Callable

from sandbox.cloud.api.acceptor import Acceptor
from sandbox.cloud.api.certificates import CertificateAuthority

Route = Callable[[str], "tuple[str, int] | None"]
Silent = Callable[[str], bool]
"""Whether nothing that is sent to a host, or comes from it, arrives now."""
_LOOK_MILLISECONDS = 100
_CHUNK = 256 * 1024


class TlsFront(Acceptor):
    """Accepts on an open listening socket; `route` gives the upstream of a host name, None where there is none."""

    def __init__(
        self,
        listener: socket.socket,
        authority: CertificateAuthority,
        route: Route,
        say: Callable[[str], None],
        silent: Silent = lambda _: False,
    ) -> None:
        super().__init__(listener, self._serve_connection, "tls-front")
        self._authority = authority
        self._route = route
        self._say = say
        self._silent = silent
        self._refused: set[str] = set()

    def _serve_connection(self, connection: socket.socket, source: str) -> None:
        serve_tls(
            connection, self._authority, self._route, lambda host: self._refuse(host, source), self._say, self._silent
        )

    def _refuse(self, host: str, source: str) -> None:
        if host not in self._refused:
            self._refused.add(host)
            self._say(f"{source} asked for https://{host or '(no name)'}, which the sandbox does not serve")


def serve_tls(
    connection: socket.socket,
    authority: CertificateAuthority,
    route: Route,
    refuse: Callable[[str], None],
    complain: Callable[[str], None],
    silent: Silent,
) -> None:
    """Serves one accepted connection to its end.

    `refuse` gets a host name that has no upstream, `complain` how a connection broke. While a host is silent, its
    handshakes and what goes over its connections wait, as behind dropped packets.
    """
    chosen: list[tuple[str, tuple[str, int]]] = []
    end = connection.fileno()  # the same one when it is wrapped

    def choose(opened: ssl.SSLSocket | ssl.SSLObject, host: str | None, _: ssl.SSLContext) -> int | None:
        name = (host or "").lower()
        target = route(name)
        try:
            context = authority.server_context(name) if target else None
        except UnicodeError:  # such as an underscore, which no certificate's name can have
            context = None
        if target is None or context is None:
            refuse(name)
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        if not _outwaits(end, name, silent):
            return ssl.ALERT_DESCRIPTION_USER_CANCELLED
        chosen.append((name, target))
        opened.context = context
        return None

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = choose
    with connection:
        connection.settimeout(30)
        try:
            client = context.wrap_socket(connection, server_side=True)
        except OSError:
            return  # the client left, or does not trust the certificate: its own error says so
        with client:
            client.settimeout(None)
            host, upstream = chosen[0]
            try:
                with socket.create_connection(upstream, timeout=10) as server:
                    server.settimeout(None)
                    # A request comes in two pieces, head and body: the second must not wait for the first's receipt.
                    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    pipe(client, server, lambda: _outwaits(end, host, silent))
            except OSError as problem:
                complain(f"a connection to {host or upstream} broke: {problem!r}")
            # Says goodbye in TLS: a client takes a connection that merely ends for one that was cut.
            with contextlib.suppress(OSError):
                client.settimeout(2)
                client.unwrap()


def pipe(client: socket.socket, server: socket.socket, may_go_on: Callable[[], bool] = lambda: True) -> None:
    """Bytes both ways until both ends are done. One thread: a TLS connection must not be read and written at once."""
    open_ends: dict[socket.socket, socket.socket] = {client: server, server: client}
    while open_ends:
        waits = isinstance(client, ssl.SSLSocket) and client in open_ends and client.pending()
        ready = [client] if waits else select.select(list(open_ends), [], [])[0]
        if not may_go_on():
            return
        for source in ready:
            target = open_ends[source]
            chunk = source.recv(_CHUNK)
            if chunk:
                target.sendall(chunk)
                continue
            del open_ends[source]
            if source is server:
                return
            server.shutdown(socket.SHUT_WR)


def _outwaits(client: int, host: str, silent: Silent) -> bool:
    """Returns when the host is not silent, or the client has gone, by its file descriptor: whether it is there."""
    while silent(host):
        gone = select.poll()
        gone.register(client, select.POLLRDHUP)
        if gone.poll(_LOOK_MILLISECONDS):
            return False
    return True
