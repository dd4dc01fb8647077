from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sandbox.control import ControlService, ask
from sandbox.errors import SandboxError


def handle(request: Mapping[str, str]) -> str:
    if request["say"] == "no":
        raise SandboxError("refused, and why")
    return request["say"] + "!"


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    service = ControlService(tmp_path / "control", handle)
    service.start()
    yield tmp_path / "control"
    service.stop()


def test_a_request_is_answered_and_a_refusal_keeps_its_text(path: Path) -> None:
    assert ask(path, {"say": "hello"}) == "hello!"
    with pytest.raises(SandboxError, match="refused, and why"):
        ask(path, {"say": "no"})


def test_a_fault_of_the_service_is_told_and_does_not_end_it(path: Path) -> None:
    with pytest.raises(SandboxError, match="KeyError"):
        ask(path, {})
    assert ask(path, {"say": "still here"}) == "still here!"


def test_nobody_but_its_owner_may_ask(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_supervisor_the_answer_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="python -m sandbox up"):
        ask(tmp_path / "control", {})
