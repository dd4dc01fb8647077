"""The file that says that a restore is under way, and who keeps still then."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.node.common import environment, log, machine_lock
from components.node.common.failure import Failure
from components.node.control_plane import configure as control_plane
from components.node.control_plane import workers
from components.node.etcd import configure as etcd
from components.node.etcd import defragment
from components.node.etcd.snapshot import take, verify
from components.node.restore import record
from components.node.restore.record import Record, read_record, refuse_while_restoring, remove_record, write_record
from tests.components.node.restore.restoring import RECORD


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(machine_lock, "LOCKS", tmp_path)
    monkeypatch.setattr(environment, "ETC", tmp_path / "etc")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(record, "RECORD", tmp_path / "state" / "restore.json")
    return tmp_path / "state" / "restore.json"


def test_it_is_read_as_it_was_written_until_it_is_removed(path: Path) -> None:
    for each in (RECORD, Record("2", "all/2", 7, "now", undo=True, serves=True, replaces="1")):
        write_record(each, path)
        assert read_record(path) == each
    remove_record(path)
    remove_record(path)
    assert read_record(path) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("not json", "can't be read"),
        ("{}", "it is not complete"),
        ('{"id": 1, "snapshot": "a", "bump": 1, "begun": "now"}', "its id is something else"),
        ('{"id": "1", "snapshot": "a", "bump": "1", "begun": "now"}', "its bump is something else"),
    ],
)
def test_a_record_that_is_none_is_an_error_and_not_the_end_of_a_restore(path: Path, text: str, told: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(Failure, match=told):
        read_record(path)


def test_a_later_releases_record_has_more(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"id": "1", "snapshot": "a", "bump": 1, "begun": "now", "more": []}')
    assert read_record(path) == Record("1", "a", 1, "now")


@pytest.mark.parametrize("step", [etcd, control_plane, verify])
def test_no_machine_is_configured_and_no_snapshot_proven_meanwhile(
    step: object, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse_while_restoring()
    write_record(RECORD, path)
    assert step.main([]) == 1  # type: ignore[attr-defined]
    told = capsys.readouterr().out
    assert f"a restore of snapshot {RECORD.snapshot} is under way since {RECORD.begun}; nothing was changed" in told


@pytest.mark.parametrize("step", [defragment, take])
def test_timers_have_nothing_to_do_meanwhile(step: object, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert step.main([]) == 1, "it wants node.env"  # type: ignore[attr-defined]
    write_record(RECORD, path)
    assert step.main([]) == 0  # type: ignore[attr-defined]
    assert "nothing to do until it has ended" in capsys.readouterr().out


def test_workers_are_left_alone_meanwhile(path: Path) -> None:
    write_record(RECORD, path)
    workers.tend({})
