"""Writes an object once a second through an endpoint of the API, reads it back, and says how it went.

A program by itself, with Python's own library alone: it runs on the operator's host and on a machine. The first line of
its standard input is a JSON object (`Endpoint`); it ends when standard input does. Each attempt is a line of JSON: `at`
(seconds since the epoch), `name` of the object, `error` (empty where both were answered in time), `took` (seconds).
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

# Less than a second, so that what goes wrong in a second is counted in that one alone.
ATTEMPT_SECONDS = 0.95


@dataclass(frozen=True)
class Endpoint:
    """Where the API is dialled and as whom; `proxy` is HOST:PORT or empty, the rest PEM, except for `objects`.

    `objects` is the path of a namespace's ConfigMaps, `prefix` how the names of this client's begin.
    """

    host: str
    port: int
    server_name: str
    proxy: str
    authority: str
    certificate: str
    key: str
    objects: str
    prefix: str


class Client:
    """Makes each request over a connection of its own: none profits from one that was opened before."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._context = ssl.create_default_context(cadata=endpoint.authority)
        with tempfile.NamedTemporaryFile("w", dir="/dev/shm") as credentials:
            credentials.write(endpoint.certificate + "\n" + endpoint.key)
            credentials.flush()
            self._context.load_cert_chain(credentials.name)

    def attempt(self, name: str) -> str:
        """What went wrong, or nothing."""
        deadline = time.monotonic() + ATTEMPT_SECONDS
        path = self._endpoint.objects
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"written": name}}
        step = "write"
        try:
            self._request(deadline, "POST", path, json.dumps(body), 201)
            step = "read"
            read = json.loads(self._request(deadline, "GET", f"{path}/{name}", None, 200))
            if read["data"] != body["data"]:
                return f"read: {read['data']} in place of what was written"
        except (OSError, http.client.HTTPException, ValueError) as problem:
            return f"{step}: {type(problem).__name__}: {problem}"
        return ""

    def _request(self, deadline: float, method: str, path: str, body: str | None, wanted: int) -> bytes:
        with self._connected(deadline) as stream:
            connection = http.client.HTTPConnection(self._endpoint.server_name)
            connection.sock = stream
            stream.settimeout(_left(deadline))
            connection.request(method, path, body, {"Content-Type": "application/json", "Connection": "close"})
            stream.settimeout(_left(deadline))
            answer = connection.getresponse()
            stream.settimeout(_left(deadline))
            content = answer.read()
        if answer.status != wanted:
            raise ValueError(f"{answer.status} {content[:300].decode(errors='replace')}")
        return content

    def _connected(self, deadline: float) -> ssl.SSLSocket:
        stream = self._dialled(deadline)
        try:
            stream.settimeout(_left(deadline))
            return self._context.wrap_socket(stream, server_hostname=self._endpoint.server_name)
        except BaseException:
            stream.close()
            raise

    def _dialled(self, deadline: float) -> socket.socket:
        endpoint = self._endpoint
        if endpoint.proxy:
            host, _, port = endpoint.proxy.partition(":")
            tunnel = http.client.HTTPConnection(host, int(port), timeout=_left(deadline))
            tunnel.set_tunnel(endpoint.host, endpoint.port)
            tunnel.connect()
            return tunnel.sock
        return _first_that_answers(endpoint.host, endpoint.port, deadline)


def _first_that_answers(host: str, port: int, deadline: float) -> socket.socket:
    """As kubelets and kubectl do: the time that is left is shared among the addresses that have not been tried."""
    addresses = [str(found[4][0]) for found in socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)]
    problem: OSError = OSError(f"{host} has no address")
    for tried, address in enumerate(addresses):
        try:
            return socket.create_connection((address, port), _left(deadline) / (len(addresses) - tried))
        except OSError as failed:
            problem = failed
    raise problem


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError(f"not answered within {ATTEMPT_SECONDS} s")
    return left


def main() -> int:
    endpoint = Endpoint(**json.loads(sys.stdin.readline()))
    client = Client(endpoint)
    ended = threading.Event()
    saying = threading.Lock()

    def wait_for_end() -> None:
        sys.stdin.read()
        ended.set()

    def attempt(number: int) -> None:
        at, started = time.time(), time.monotonic()
        name = f"{endpoint.prefix}-{number}"
        error = client.attempt(name)
        line = json.dumps({"at": at, "name": name, "error": error, "took": round(time.monotonic() - started, 3)})
        with saying:
            os.write(1, line.encode() + b"\n")

    threading.Thread(target=wait_for_end, daemon=True).start()
    began, number = time.monotonic(), 0
    # Each in a thread of its own: one that hangs, in the resolver say, must not hide what the next second is like.
    while not ended.wait(max(0.0, began + number - time.monotonic())):
        threading.Thread(target=attempt, args=(number,), daemon=True).start()
        number += 1
    time.sleep(ATTEMPT_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
