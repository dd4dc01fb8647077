"""The wait for the API takes its time, uses a proxy that is named, says what went wrong, and never ends an update."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.checks.reachable_api import last_error, wait

NOTHING: Any = None


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


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def waited(url: str, seconds: float) -> None:
    # Not asyncio.run: that would take the loop of this thread away, which pulumi's mocks need.
    loop = asyncio.new_event_loop()
    loop.run_until_complete(wait(url, NOTHING, seconds))
    loop.close()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    words: list[str] = []
    for level in ("info", "warn"):
        monkeypatch.setattr(pulumi.log, level, lambda text, _, level=level: words.append(f"{level}: {text}"))
    return words


@pytest.fixture
def silent_port() -> Iterator[int]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


def test_it_returns_once_the_api_is_ready_and_says_what_it_waits_for(port: int, said: list[str]) -> None:
    Api.not_ready = 2
    waited(f"https://127.0.0.1:{port}/readyz", 20)
    assert Api.not_ready < 0, "asked until it was ready"
    assert len(said) == 1, said
    assert said[0].startswith(f"info: waiting up to 20 s for https://127.0.0.1:{port}/readyz: 500 Server Error")


def test_an_api_that_answers_at_once_is_worth_no_word(port: int, said: list[str]) -> None:
    Api.not_ready = 0
    waited(f"https://127.0.0.1:{port}/readyz", 20)
    assert said == []


def test_a_timeout_is_a_warning_with_the_last_error_and_what_to_look_at(silent_port: int, said: list[str]) -> None:
    waited(f"https://127.0.0.1:{silent_port}/readyz", 0)
    assert said[-1].startswith("warn: ")
    assert "Connection refused" in said[-1]
    assert "quorate:access.apiCidrs" in said[-1]


def test_an_answer_other_than_ready_is_none(port: int) -> None:
    Api.not_ready = 100
    assert "500" in last_error(f"https://127.0.0.1:{port}/readyz")


def first_bytes_to_proxy(scheme: str, url: str, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What a proxy of the environment, which hangs up then, is sent for the way to `url`."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        asked: list[bytes] = []

        def answer() -> None:
            connection, _ = proxy.accept()
            with connection:
                asked.append(connection.recv(4096))

        answering = threading.Thread(target=answer, daemon=True)
        answering.start()
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://127.0.0.1:{proxy.getsockname()[1]}")
        assert last_error(url)
        answering.join(timeout=10)
    return asked[0]


def test_a_proxy_of_the_environment_is_asked_for_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = first_bytes_to_proxy("http", "https://prod-public.example:6443/readyz", monkeypatch)
    assert asked.startswith(b"CONNECT prod-public.example:6443 ")


@pytest.mark.parametrize("spared", ["127.0.0.0/8", "127.0.0.1", "*"])
def test_what_needs_no_proxy_is_asked_directly(port: int, spared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks too, which the provider knows."""
    Api.not_ready = 0
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert "ProxyError" in last_error(f"https://127.0.0.1:{port}/readyz")
    monkeypatch.setenv("NO_PROXY", spared)
    assert last_error(f"https://127.0.0.1:{port}/readyz") == ""


def test_a_socks_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `ssh -D` through the bastion makes one."""
    asked = first_bytes_to_proxy("socks5h", "https://10.22.128.16:6443/readyz", monkeypatch)
    assert asked.startswith(b"\x05"), "the greeting of SOCKS 5"
