"""API servers over real TLS, on loopback: there or not, ready or not, of this cluster or of another."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.node.common.failure import Failure
from components.node.common.kubeadm import api_answers
from components.node.control_plane.cluster import api_server_exists
from tests.components.node.tls import https_server, issue, make_authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority")
    make_authority(folder)
    issue(folder, folder / "server.crt", "IP:127.0.0.1")
    issue(folder, folder / "other.crt", "DNS:other.test")
    return folder


@pytest.fixture(params=[200, 500])
def api(request: pytest.FixtureRequest, authority: Path) -> Iterator[tuple[int, int]]:
    """The status that an API server answers with, and its port."""
    with https_server(authority / "server.crt", request.param, "its answer") as port:
        yield request.param, port


def test_an_api_server_is_there_whether_ready_or_not_and_answers_only_if_ready(
    api: tuple[int, int], authority: Path
) -> None:
    status, port = api
    assert api_server_exists(authority / "ca.crt", "127.0.0.1", port)
    if status == 200:
        api_answers(authority / "ca.crt", "127.0.0.1", port)
    else:
        with pytest.raises(Failure, match=f"127.0.0.1:{port}/readyz answered 500: its answer"):
            api_answers(authority / "ca.crt", "127.0.0.1", port)


def test_an_api_server_of_another_authority_is_none_of_this_cluster(authority: Path, tmp_path: Path) -> None:
    make_authority(tmp_path / "another")
    with https_server(authority / "server.crt", 200) as port:
        assert not api_server_exists(tmp_path / "another" / "ca.crt", "127.0.0.1", port)
        with pytest.raises(Failure, match=r"(?i)certificate verify failed"):
            api_answers(tmp_path / "another" / "ca.crt", "127.0.0.1", port)


def test_a_server_that_is_somebody_else_is_not_believed(authority: Path) -> None:
    with https_server(authority / "other.crt", 200) as port:
        assert not api_server_exists(authority / "ca.crt", "127.0.0.1", port)


def test_where_nobody_listens_there_is_no_api_server(authority: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    assert not api_server_exists(authority / "ca.crt", "127.0.0.1", port)
    with pytest.raises(Failure, match="does not answer"):
        api_answers(authority / "ca.crt", "127.0.0.1", port)
