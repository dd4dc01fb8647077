"""When the person's own Pulumi may be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.engine.official import NotSuitableError, check, version_number, wanted


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program named pulumi that prints a version and a list of plugins."""
    program = tmp_path / "pulumi"
    plugins = json.dumps([{"name": "aws", "version": "7.51.1"}])
    program.write_text(f"#!/bin/sh\ncase $1 in version) echo v3.261.0;; plugin) echo '{plugins}';; esac\n")
    program.chmod(0o755)
    (tmp_path / "pulumi-language-python").write_text("")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return program


def test_it_is_used_only_when_asked_for() -> None:
    assert not wanted({})
    assert not wanted({"QUORATE_PULUMI": "built"})
    assert wanted({"QUORATE_PULUMI": "official"})
    with pytest.raises(NotSuitableError, match="found 'yes'"):
        wanted({"QUORATE_PULUMI": "yes"})


def test_one_that_has_everything_is_taken(pulumi: Path) -> None:
    assert check([("aws", "7.51.1")]) == pulumi


def test_missing_plugins_are_named_with_the_commands_that_install_them(pulumi: Path) -> None:
    with pytest.raises(NotSuitableError, match=r"pulumi plugin install resource command 1\.2\.1") as caught:
        check([("aws", "7.51.1"), ("command", "1.2.1")])
    assert "install resource aws" not in str(caught.value)


def test_one_that_is_too_old_is_refused(pulumi: Path) -> None:
    pulumi.write_text(pulumi.read_text().replace("v3.261.0", "v3.100.0"))
    with pytest.raises(NotSuitableError, match=r"is v3\.100\.0; needed is 3\.200\.0 or newer"):
        check([])


def test_one_without_its_language_host_is_refused(pulumi: Path) -> None:
    pulumi.with_name("pulumi-language-python").unlink()
    with pytest.raises(NotSuitableError, match="has no pulumi-language-python"):
        check([])


def test_none_at_all_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotSuitableError, match="there is no `pulumi` on PATH"):
        check([])


@pytest.mark.parametrize(("text", "number"), [("v3.259.0", (3, 259, 0)), ("3.1.2-alpha.1", (3, 1, 2))])
def test_versions_are_read(text: str, number: tuple[int, ...]) -> None:
    assert version_number(text) == number


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(NotSuitableError, match="which is not a version"):
        version_number("latest")
