"""HTTPS servers in a namespace of their own, in the place of API servers, and clients of a load balancer."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sandbox.cloud.api.certificates import CertificateAuthority
from sandbox.cloud.namespace import entered, listening_socket

DEADLINE_SECONDS = 60.0


class ApiServer:
    """Answers /readyz with `status`, and everything with its own name in X-Served-By; speaks `tls` and newer."""

    def __init__(
        self,
        network: str,
        address: str,
        authority: CertificateAuthority,
        tls: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    ) -> None:
        self.status = 200
        self.sources: set[str] = set()
        served_by = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                served_by.sources.add(self.client_address[0])
                self.send_response(served_by.status if self.path == "/readyz" else 200)
                self.send_header("X-Served-By", address)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((address, 6443), Handler, bind_and_activate=False)
        self._server.daemon_threads = True
        self._server.socket.close()
        plain = listening_socket(network, address, 6443)
        context = authority.server_context("api")
        context.minimum_version = tls
        self._server.socket = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Client:
    """One connection through a load balancer, from the address `source` in the namespace."""

    def __init__(self, network: str, node: str, port: int, source: str = "127.0.0.1") -> None:
        with entered(network):
            plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        plain.settimeout(20)
        plain.bind((source, 0))
        plain.connect((node, port))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._connection = http.client.HTTPSConnection(node, port)
        self._connection.sock = context.wrap_socket(plain)

    def served_by(self) -> str:
        """Sends a request; who answered it. Raises OSError or HTTPException where nobody does."""
        sock = self._connection.sock
        self._connection.request("GET", "/api")
        answer = self._connection.getresponse()
        answer.read()
        # A lost connection must not be made again behind the test's back.
        self._connection.sock = self._connection.sock or sock
        return answer.headers["X-Served-By"]

    def is_cut(self) -> bool:
        try:
            self.served_by()
        except (OSError, http.client.HTTPException):
            return True
        return False

    def close(self) -> None:
        self._connection.close()


@contextmanager
def client(network: str, node: str, port: int = 6443) -> Iterator[Client]:
    made = Client(network, node, port)
    with contextlib.closing(made):
        yield made


def who_serves(network: str, node: str, port: int = 6443, times: int = 12) -> set[str]:
    """Who answers so many connections, each new."""
    found = set()
    for _ in range(times):
        with client(network, node, port) as made:
            found.add(made.served_by())
    return found


def eventually(reached: Callable[[], object], what: str) -> None:
    """Waits until it is so; the last value, or error, is part of the failure."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = reached()
            if last:
                return
        except (OSError, http.client.HTTPException) as problem:
            last = problem
        time.sleep(0.1)
    raise AssertionError(f"after {DEADLINE_SECONDS:.0f} s not so: {what}; last: {last!r}")
