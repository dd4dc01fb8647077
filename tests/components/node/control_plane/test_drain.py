"""One drain: repeated while the API is silent, ended by its deadline or by whoever abandons it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from components.node.common import log
from components.node.control_plane.drain import Drain
from tests.components.node.stand_ins import StandIns, stand_ins


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    log.begin_log("tend-workers")
    return stand_ins(tmp_path / "programs", monkeypatch)


def ended(drain: Drain, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while drain.runs() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not drain.runs()


def logged(tmp_path: Path) -> str:
    return (tmp_path / "logs" / "tend-workers.log").read_text()


def test_a_drain_that_fails_for_a_moment_is_repeated_before_its_worker_goes(programs: StandIns, tmp_path: Path) -> None:
    programs.program("kubectl", before='if (($(wc -l <"$STAND_INS/calls") == 1)); then echo refused >&2; exit 1; fi')
    told: list[str] = []
    assert ended(Drain("general-i-0a", lambda: told.append("drained"), tmp_path / "conf", again_after=0.01))
    assert told == ["drained"]
    assert len(programs.calls) == 2
    assert "refused\n" in logged(tmp_path)
    assert "general-i-0a is drained" in logged(tmp_path)


def test_a_drain_that_cannot_end_lets_its_worker_go_at_the_deadline(programs: StandIns, tmp_path: Path) -> None:
    programs.program("kubectl", ("drain", 1, "a disruption budget\n"))
    told: list[str] = []
    drain = Drain("general-i-0a", lambda: told.append("drained"), tmp_path / "conf", seconds=0.3, again_after=0.1)
    assert ended(drain)
    assert told == ["drained"]
    assert "could not be drained in 0s; it goes all the same" in logged(tmp_path)


def test_an_abandoned_drain_ends_at_once_and_in_silence(programs: StandIns, tmp_path: Path) -> None:
    programs.program("kubectl", before="exec sleep 60")
    told: list[str] = []
    drain = Drain("general-i-0a", lambda: told.append("drained"), tmp_path / "conf")
    drain.abandon()
    assert not drain.runs()
    assert told == []


def test_a_drain_that_is_abandoned_between_two_tries_makes_no_third(programs: StandIns, tmp_path: Path) -> None:
    programs.program("kubectl", ("drain", 1, "refused\n"))
    drain = Drain("general-i-0a", lambda: None, tmp_path / "conf", again_after=30)
    deadline = time.monotonic() + 20
    while not programs.calls and time.monotonic() < deadline:
        time.sleep(0.01)
    drain.abandon()
    assert len(programs.calls) == 1
