"""What runs on the operator's host waits for an answer, uses a proxy that is named, and says what went wrong."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

SCRIPT = (Path(__file__).parents[3] / "components/checks/wait_for_api.py").read_text()


class Api(BaseHTTPRequestHandler):
    """Not ready for the first requests, as a load balancer without targets."""

    not_ready = 0

    def do_GET(self) -> None:
        ready = Api.not_ready <= 0
        Api.not_ready -= 1
        self.send_response(200 if ready and self.path == "/readyz" else 500)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=not-the-name", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server = HTTPServer(("127.0.0.1", 0), Api)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def run(url: str, seconds: int, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    return subprocess.run(
        [sys.executable, "-", url, str(seconds)],
        input=SCRIPT, capture_output=True, text=True, env={**plain, **environment}, timeout=30,
    )  # fmt: skip


def test_it_returns_once_the_api_is_ready(port: int) -> None:
    Api.not_ready = 1
    started = time.monotonic()
    outcome = run(f"https://127.0.0.1:{port}/readyz", 20)
    assert outcome.returncode == 0, outcome.stderr
    assert time.monotonic() - started > 1, "it asked twice"


def test_it_names_the_last_error_and_what_to_look_at() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        outcome = run(f"https://127.0.0.1:{unused.getsockname()[1]}/readyz", 0)
    assert outcome.returncode == 1
    assert "Connection refused" in outcome.stderr
    assert "quorate:access.apiCidrs" in outcome.stderr


def test_an_answer_other_than_ready_is_none(port: int) -> None:
    Api.not_ready = 100
    outcome = run(f"https://127.0.0.1:{port}/readyz", 0)
    assert outcome.returncode == 1
    assert "500" in outcome.stderr


def test_a_proxy_of_the_environment_is_asked_for_the_way() -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        asked: list[bytes] = []

        def answer() -> None:
            connection, _ = proxy.accept()
            with connection:
                asked.append(connection.recv(4096))

        threading.Thread(target=answer, daemon=True).start()
        run("https://prod-public.example:6443/readyz", 0, HTTPS_PROXY=f"http://127.0.0.1:{proxy.getsockname()[1]}")
    assert asked[0].startswith(b"CONNECT prod-public.example:6443 ")
