from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from components.node.common import log
from components.node.common.failure import Failure
from components.node.control_plane import service_check
from tests.components.node.stand_ins import StandIns, stand_ins


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/" else 404)
        self.end_headers()
        self.wfile.write(b"<p>The cluster test works.</p>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: int) -> StandIns:
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    programs = stand_ins(tmp_path / "programs", monkeypatch)
    programs.program("kubectl", ("--namespace smoke get service page", 0, f"127.0.0.1:{service}"))
    return programs


def test_a_service_whose_page_has_the_text_answers(programs: StandIns, capsys: pytest.CaptureFixture[str]) -> None:
    service_check.check("smoke", "page", "The cluster test works.", seconds=0)
    assert "Service smoke/page answers" in capsys.readouterr().out


def test_a_page_without_the_text_is_shown(programs: StandIns) -> None:
    with pytest.raises(Failure, match=r"Service smoke/page to answer; .* without 'another': <p>The cluster test works"):
        service_check.check("smoke", "page", "another", seconds=0)


def test_a_service_that_is_not_there_is_a_failure_with_kubectls_reason(programs: StandIns) -> None:
    programs.program("kubectl", ("get service", 1, "not found\n"))
    with pytest.raises(Failure, match="kubectl ended with 1: not found"):
        service_check.check("smoke", "page", "text", seconds=0)


@pytest.mark.parametrize("arguments", [[], ["smoke", "page"], ["smoke", "page", "text", "more"]])
def test_another_number_of_arguments_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert service_check.main(arguments) == 2
    assert "NAMESPACE NAME TEXT" in capsys.readouterr().err
