"""prepare-machine.sh lets a kubelet delay a shutdown, though unattended-upgrades has a limit of its own: read by
systemd as logind reads it, on a root of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from components.node.control_plane.this_machine import Folders

SCRIPT = Path(__file__).parents[4] / "components" / "node" / "boot" / "prepare-machine.sh"
# All of the script but its last line, which runs it; files are installed below a root of the test's.
_CALL = """\
source <(head --lines -1 "$0")
eval "real_$(declare -f install_text)"
install_text() { real_install_text "$1" "$ROOT$2"; }
allow_slow_shutdowns
"""
THE_KUBELETS = "etc/systemd/logind.conf.d/99-kubelet.conf"
OF_UNATTENDED_UPGRADES = "usr/lib/systemd/logind.conf.d/unattended-upgrades-logind-maxdelay.conf"


def allow(root: Path) -> None:
    command = ["bash", "-euo", "pipefail", "-c", _CALL, str(SCRIPT)]
    outcome = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "ROOT": str(root)})
    assert outcome.returncode == 0, outcome.stderr


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, seconds in ((THE_KUBELETS, 60), (OF_UNATTENDED_UPGRADES, 30)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"[Login]\nInhibitDelayMaxSec={seconds}\n")
    return tmp_path


def granted(root: Path) -> str:
    """The value that counts: the last one, in systemd's own order of the files."""
    command = ["systemd-analyze", f"--root={root}", "cat-config", "systemd/logind.conf"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in text.splitlines() if line.startswith("InhibitDelayMaxSec=")][-1]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_what_the_kubelet_asks_for_counts_after_what_unattended_upgrades_grants(root: Path) -> None:
    assert granted(root) == "InhibitDelayMaxSec=30"
    allow(root)
    assert granted(root) == "InhibitDelayMaxSec=60"


def test_it_can_be_said_twice_and_the_file_is_then_as_old_as_it_was(root: Path) -> None:
    covering = root / "etc/systemd/logind.conf.d" / Path(OF_UNATTENDED_UPGRADES).name
    allow(root)
    os.utime(covering, (1, 1))
    allow(root)
    assert (covering.stat().st_mtime, covering.stat().st_size) == (1, 0)


def test_the_control_plane_looks_at_the_same_file() -> None:
    assert str(Folders().shutdown_limit) in SCRIPT.read_text()
