from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sandbox import host


def test_nothing_is_missing_where_every_sign_is_found() -> None:
    assert host.missing_packages(lambda _: True) == []


def test_a_package_is_missing_when_one_of_its_signs_is() -> None:
    assert host.missing_packages(lambda sign: sign != "ssh-keygen") == ["openssh-client"]


def test_another_user_than_root_is_told_to_use_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(host.HostError, match="sudo"):
        host.require_root()


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for /proc/sys, with one limit too low and one high enough."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(host, "_KERNEL_MODULES", ())
    monkeypatch.setattr(host, "_sysctl_file", lambda key: tmp_path / key)
    (tmp_path / "fs.inotify.max_user_instances").write_text("128\n")
    (tmp_path / "fs.inotify.max_user_watches").write_text("9999999\n")
    return tmp_path


def test_only_limits_that_are_too_low_are_raised_and_said(kernel: Path) -> None:
    said: list[str] = []
    host.raise_limits(kernel / "state", said.append)
    assert (kernel / "fs.inotify.max_user_instances").read_text() == "8192"
    assert (kernel / "fs.inotify.max_user_watches").read_text() == "9999999\n"
    assert len(said) == 1
    assert "from 128 to 8192" in said[0]


def test_limits_come_back_to_what_they_were_before_the_first_raise(kernel: Path) -> None:
    for _ in range(2):
        host.raise_limits(kernel / "state", lambda _: None)
    host.restore_limits(kernel / "state", lambda _: None)
    assert (kernel / "fs.inotify.max_user_instances").read_text() == "128"
    assert not list((kernel / "state").iterdir())


def test_a_limit_that_someone_changed_meanwhile_stays(kernel: Path) -> None:
    host.raise_limits(kernel / "state", lambda _: None)
    (kernel / "fs.inotify.max_user_instances").write_text("16384\n")
    host.restore_limits(kernel / "state", lambda _: None)
    assert (kernel / "fs.inotify.max_user_instances").read_text() == "16384\n"


def test_a_second_raise_keeps_the_first_record(kernel: Path) -> None:
    host.raise_limits(kernel / "state", lambda _: None)
    (kernel / "fs.inotify.max_user_instances").write_text("200\n")
    host.raise_limits(kernel / "state", lambda _: None)
    assert json.loads((kernel / "state" / "host-limits.json").read_text()) == {"fs.inotify.max_user_instances": 128}
