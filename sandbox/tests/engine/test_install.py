"""What is installed for the engine, and when it is installed again."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from sandbox.engine import install
from sandbox.engine.install import prepare

pytestmark = pytest.mark.engine


def test_a_second_run_installs_nothing_and_takes_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORATE_STATE", str(tmp_path))
    said: list[str] = []
    first = prepare(said.append)
    assert {line.split()[3] for line in said} == {"aws", "command", "kubernetes", "tls"}
    said.clear()
    began = time.monotonic()
    assert prepare(said.append) == first
    assert time.monotonic() - began < 0.5
    assert said == []


def test_every_plugin_is_where_the_engine_looks_and_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORATE_STATE", str(tmp_path))
    environment = dict(prepare(lambda message: None))
    listed = subprocess.run(
        ["pulumi", "plugin", "ls", "--json"], env=environment, capture_output=True, text=True, check=True
    )
    versions = {plugin["name"]: plugin["version"] for plugin in json.loads(listed.stdout)}
    assert versions == {"aws": "7.51.1", "command": "1.2.1", "kubernetes": "4.25.0", "tls": "5.6.2"}
    for name in versions:
        schema = subprocess.run(
            ["pulumi", "package", "get-schema", name], env=environment, capture_output=True, text=True, cwd=tmp_path
        )
        assert schema.returncode == 0, f"{name}: {schema.stderr}"
        assert json.loads(schema.stdout)["name"] == name


def test_a_plugin_whose_content_changed_is_installed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORATE_STATE", str(tmp_path))
    prepare(lambda message: None)
    monkeypatch.setitem(install._WRITTEN, "command", "sandbox.engine.command.other")
    said: list[str] = []
    prepare(said.append)
    assert said == ["engine: installing plugin command 1.2.1"]
    script = tmp_path / "pulumi-home" / "plugins" / "resource-command-v1.2.1" / "pulumi-resource-command"
    assert "sandbox.engine.command.other" in script.read_text()


def test_the_passphrase_is_kept_and_its_owner_alone_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUORATE_STATE", str(tmp_path))
    file = Path(prepare(lambda message: None)["PULUMI_CONFIG_PASSPHRASE_FILE"])
    before = file.read_text()
    prepare(lambda message: None)
    assert file.stat().st_mode & 0o077 == 0
    assert file.read_text() == before
    assert len(before) > 20


def test_a_tool_that_was_not_built_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORATE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("QUORATE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(install.InstallError, match="pulumi has not been built"):
        prepare(lambda message: None)
