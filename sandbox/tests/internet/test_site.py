from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.internet.site import make_server

CONTENT = bytes(range(256)) * 40


@dataclass
class Site:
    port: int
    log: list[str]

    def ask(self, host: str, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={"Host": host, **named})
        response = connection.getresponse()
        return response, response.read()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    root = tmp_path / "site"
    pool = root / "packages.example/core:/stable"
    pool.mkdir(parents=True)
    (pool / "big.deb").write_bytes(CONTENT)
    (root / "other.example").mkdir()
    (tmp_path / "secret").write_text("outside")
    log: list[str] = []
    server = make_server(socket.create_server(("127.0.0.1", 0)), root, log.append)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield Site(server.socket.getsockname()[1], log)
    server.shutdown()
    server.server_close()


DEB = "/core:/stable/big.deb"


def test_a_file_is_served_whole_under_its_hosts_name(site: Site) -> None:
    response, body = site.ask("packages.example:443", DEB)
    assert (response.status, body) == (200, CONTENT)
    assert site.log == []


def test_an_escaped_path_is_the_same_path(site: Site) -> None:
    assert site.ask("packages.example", "/core%3A/stable/big.deb")[1] == CONTENT


def test_head_tells_the_size_and_sends_nothing(site: Site) -> None:
    response, body = site.ask("packages.example", DEB, "HEAD")
    assert (response.getheader("Content-Length"), body) == (str(len(CONTENT)), b"")


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("bytes=0-9", 0, 10), ("bytes=10000-", 10000, None), ("bytes=-5", -5, None)]
)
def test_a_range_is_that_part_of_the_file(site: Site, asked: str, start: int, end: int | None) -> None:
    response, body = site.ask("packages.example", DEB, Range=asked)
    assert (response.status, body) == (206, CONTENT[start:end])
    first = start % len(CONTENT)
    assert response.getheader("Content-Range") == f"bytes {first}-{first + len(body) - 1}/{len(CONTENT)}"


def test_a_range_past_the_end_is_refused(site: Site) -> None:
    assert site.ask("packages.example", DEB, Range=f"bytes={len(CONTENT)}-")[0].status == 416


def test_a_range_of_another_version_gets_the_whole_file(site: Site) -> None:
    response, body = site.ask("packages.example", DEB, Range="bytes=5-9", If_Range='"another"')
    assert (response.status, body) == (200, CONTENT)


@pytest.mark.parametrize(("header", "said"), [("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")])
def test_what_the_client_has_is_not_sent_again(site: Site, header: str, said: str) -> None:
    known = site.ask("packages.example", DEB)[0].getheader(said)
    assert known is not None
    response, body = site.ask("packages.example", DEB, **{header: known})
    assert (response.status, body) == (304, b"")


def test_an_unknown_host_is_named_in_the_answer_and_the_log(site: Site) -> None:
    response, body = site.ask("unknown.example", "/x")
    assert response.status == 404
    assert b"unknown.example" in body
    assert site.log == ["internet: unknown.example/x: not served"]


def test_an_unknown_path_is_named_in_the_log(site: Site) -> None:
    assert site.ask("other.example", DEB)[0].status == 404
    assert site.log == [f"internet: other.example{DEB}: not served"]


@pytest.mark.parametrize("path", ["/../../secret", "/%2e%2e/%2e%2e/secret", "/core:/../../../secret", "/", "/core:"])
def test_nothing_outside_and_no_folder_is_served(site: Site, path: str) -> None:
    assert site.ask("packages.example", path)[0].status == 404


def test_a_host_that_is_a_path_is_no_host(site: Site) -> None:
    for host in ("..", "../site", "."):
        assert site.ask(host, "/secret")[0].status == 404


def test_a_connection_serves_more_than_one_request(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=5)
    for _ in range(3):
        connection.request("GET", DEB, headers={"Host": "packages.example"})
        assert connection.getresponse().read() == CONTENT


def test_a_registrys_not_found_is_json(site: Site, tmp_path: Path) -> None:
    (tmp_path / "site/other.example/v2").mkdir()
    response, body = site.ask("other.example", "/v2/nothing/manifests/1")
    assert response.status == 404
    assert json.loads(body)["errors"][0]["code"] == "NAME_UNKNOWN"
    assert site.log == ["internet: other.example/v2/nothing/manifests/1: not served"]
