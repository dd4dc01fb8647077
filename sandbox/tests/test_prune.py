"""The cache keeps this checkout's builds and the latest other of each kind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import prune
from sandbox.errors import SandboxError
from sandbox.prune import abandoned, superfluous

NOW = 1_000_000.0
DAY = 24 * 3600

Build = Callable[..., Path]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def make(name: str, age: float) -> Path:
        path = tmp_path / name
        path.mkdir()
        (path / "content").write_text(name)
        os.utime(path, (NOW - age, NOW - age))
        return path

    return make


def test_the_current_build_and_the_latest_other_are_kept(build: Build, tmp_path: Path) -> None:
    current = build("image-000000000000", age=40)
    old, older, oldest = (build(f"image-{n:012x}", age=n) for n in (10, 20, 30))
    assert set(superfluous(tmp_path, [current])) == {older, oldest}
    assert old.exists()


def test_each_kind_is_counted_by_itself(build: Build, tmp_path: Path) -> None:
    build("image-aaaaaaaaaaaa", age=1)
    packages = [build(f"image-packages-{n:012x}", age=n) for n in (2, 3)]
    build("internet-bbbbbbbbbbbb", age=4)
    assert superfluous(tmp_path, []) == packages[1:]


def test_what_is_no_build_stays(build: Build, tmp_path: Path) -> None:
    for n in range(3):
        build(f"pulumi-language-python-exec-3.259.{n}", age=n)
        (tmp_path / f"file-{n:012x}").touch()
    assert superfluous(tmp_path, []) == []
    assert superfluous(tmp_path / "missing", []) == []


def test_an_unfinished_build_is_abandoned_after_a_day(build: Build, tmp_path: Path) -> None:
    build("image-aaaaaaaaaaaa.partial-new", age=DAY - 1)
    build("image-aaaaaaaaaaaa", age=9 * DAY)
    left = {build(name, age=DAY + 1) for name in ("image-aaaaaaaaaaaa.partial-old", "etcd-bbbbbbbbbbbb.work")}
    assert set(abandoned(tmp_path, NOW)) == left
    assert superfluous(tmp_path, []) == []


def test_nothing_is_removed_under_a_running_sandbox(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds = [build(f"image-{n:012x}", age=n) for n in range(3)]
    monkeypatch.setenv("QUORATE_CACHE", str(tmp_path))
    monkeypatch.setattr("sandbox.host.require_root", lambda: None)
    monkeypatch.setattr("sandbox.claim.holder", lambda: tmp_path)
    with pytest.raises(SandboxError, match="down"):
        prune.prune(print)
    assert all(path.exists() for path in builds)


def test_what_was_removed_is_told_by_name(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, older = (build(f"internet-{n:012x}", age=n) for n in (1, 2))
    monkeypatch.setenv("QUORATE_CACHE", str(tmp_path))
    monkeypatch.setattr("sandbox.host.require_root", lambda: None)
    monkeypatch.setattr("sandbox.claim.holder", lambda: None)
    lines: list[str] = []
    prune.prune(lines.append)
    assert (old.exists(), older.exists()) == (True, False)
    assert f"prune: removing {older}" in lines
    lines.clear()
    prune.prune(lines.append)
    assert lines == [f"prune: nothing in {tmp_path} is unneeded"]
