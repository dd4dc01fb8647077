"""install-packages.sh while somebody else has the locks of apt and dpkg: the real ones, on a root of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[4] / "components" / "node" / "boot" / "install-packages.sh"
# All of the script but its last line, which runs it; its pauses are shorter.
_CALL = 'source <(head --lines -1 "$0"); sleep() { command sleep 0.2; }; start_log; "$@"; say done'
_HOLD = """\
import fcntl, sys, time
file = open(sys.argv[1], "a")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None or shutil.which("dpkg") is None, reason="needs apt and dpkg"
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="dpkg needs root")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in (
        "etc/apt",
        "var/lib/apt/lists",
        "var/cache/apt/archives",
        "var/lib/dpkg/updates",
        "var/lib/dpkg/info",
    ):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("etc/apt/sources.list", "var/lib/dpkg/status", "var/lib/dpkg/available"):
        (tmp_path / file).touch()
    (tmp_path / "apt.conf").write_text(
        f'Dir "{tmp_path}/";\nDir::State::status "{tmp_path}/var/lib/dpkg/status";\nAPT::Sandbox::User "root";\n'
    )
    return tmp_path


def call(root: Path, *command: str, seconds: int = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", _CALL, str(SCRIPT), *command],
        capture_output=True, text=True, timeout=120,
        env={
            **os.environ,
            "APT_CONFIG": str(root / "apt.conf"),
            "DPKG_ADMINDIR": str(root / "var/lib/dpkg"),
            "QUORATE_LOGS": str(root / "log"),
            "LOCK_SECONDS": str(seconds),
        },
    )  # fmt: skip


@contextmanager
def held(lock: Path, seconds: float) -> Iterator[None]:
    """Another process has the lock for so long."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(lock), str(seconds)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.kill()


def test_the_lists_lock_is_waited_for_and_its_holder_named(root: Path) -> None:
    lock = root / "var/lib/apt/lists/lock"
    with held(lock, 1):
        outcome = call(root, "apt_get", "update")
    assert outcome.returncode == 0, outcome.stdout
    assert outcome.stdout.endswith("install-packages: done\n")
    assert f"waits: E: Could not get lock {lock}. It is held by process " in outcome.stdout
    assert " (python" in outcome.stdout
    assert str(lock) in (root / "log" / "apt.log").read_text()


@needs_root
@pytest.mark.parametrize(
    ("lock", "command"),
    [
        ("var/lib/dpkg/lock-frontend", ("patiently", "dpkg", "--configure", "--pending")),
        ("var/lib/dpkg/lock", ("patiently", "dpkg", "--configure", "--pending")),
        ("var/lib/dpkg/lock-frontend", ("apt_get", "install")),
    ],
)
def test_the_locks_of_dpkg_are_waited_for_in_each_call(lock: str, command: tuple[str, ...], root: Path) -> None:
    with held(root / lock, 1):
        outcome = call(root, *command)
    assert outcome.returncode == 0, outcome.stdout
    waits = outcome.stdout[outcome.stdout.index("waits: ") :]
    assert "python" in waits.splitlines()[0], "of a number alone nobody knows whose it is"


def test_a_lock_that_is_never_given_back_ends_the_step_with_its_holder(root: Path) -> None:
    with held(root / "var/lib/apt/lists/lock", 60):
        outcome = call(root, "apt_get", "update", seconds=1)
    assert outcome.returncode == 1
    last = outcome.stdout[outcome.stdout.index("install-packages FAILED") :]
    assert "apt-get update failed; the last lines of " in last
    assert "It is held by process " in last


def test_another_failure_ends_the_step_at_once(root: Path) -> None:
    outcome = call(root, "apt_get", "install", "no-such-package")
    assert outcome.returncode == 1
    assert "apt-get install failed; the last lines of " in outcome.stdout
    assert "Unable to locate package no-such-package" in outcome.stdout
    assert "waits" not in outcome.stdout
