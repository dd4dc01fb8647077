"""The list of stand-ins is complete as far as code can say, and users see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import cli, status
from sandbox.engine import install
from sandbox.paths import CHECKOUT
from sandbox.stand_ins import STAND_INS


def test_every_plugin_that_is_not_built_from_the_original_is_listed() -> None:
    originals = " ".join(stand_in.original for stand_in in STAND_INS)
    assert [name for name in install._WRITTEN if f"plugin {name} " not in originals] == []


def test_every_path_that_the_list_names_is_there() -> None:
    words = " ".join(stand_in.replacement for stand_in in STAND_INS).replace(",", " ").split()
    paths = [word for word in words if word.startswith("sandbox/")]
    assert len(paths) == 2
    assert [path for path in paths if not (CHECKOUT / path).exists()] == []


def test_status_prints_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUORATE_STATE", str(tmp_path))
    assert status.running() is None
    assert cli.main(["status"]) == 3
    printed = capsys.readouterr().out
    assert [str(stand_in) for stand_in in STAND_INS if str(stand_in) not in printed] == []


def test_the_readme_names_the_stand_ins_among_what_is_real() -> None:
    text = " ".join((CHECKOUT / "README.md").read_text().split())
    assert "AWS itself, the plugin `command` and the language host are stand-ins" in text
