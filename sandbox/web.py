"""Small web services on sockets that are open already."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
_IDLE_SECONDS = 300


def server_on(listener: socket.socket, application: Application) -> BaseWSGIServer:
    """A server with a thread for each connection, not yet serving; it owns the socket from here on."""
    host, port = listener.getsockname()
    server = make_server(host, port, application, threaded=True, request_handler=_Handler, fd=listener.fileno())
    server.socket.close()  # a duplicate
    server.socket = listener
    return server


class _Handler(WSGIRequestHandler):
    timeout = _IDLE_SECONDS

    def log(self, *_: object) -> None:
        """Requests are not logged: answers may hold credentials, and what matters the applications say themselves."""
