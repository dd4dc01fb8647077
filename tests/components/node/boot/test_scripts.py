"""The node scripts as shell: style that is checked, and what they do where a test can see it without a machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[4] / "components" / "node" / "boot"
ALL = sorted(SCRIPTS.glob("*.sh"))
# Sourced by others, never run.
LIBRARIES = [script for script in ALL if script.read_text().startswith("# shellcheck shell=bash\n")]
PROGRAMS = [script for script in ALL if script not in LIBRARIES]


def run(
    script: str, *arguments: str, stdin: str = "", root: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPTS / script), *arguments],
        input=stdin, capture_output=True, text=True, timeout=30,
        env={
            **os.environ,
            "QUORATE_ETC": str(root / "etc/quorate"),
            "QUORATE_LOGS": str(root / "log"),
            "DESTINATION_ROOT": str(root),
            **(environment or {}),
        },
    )  # fmt: skip


def in_common(snippet: str, root: Path) -> subprocess.CompletedProcess[str]:
    """Runs `snippet` after sourcing common.sh."""
    return subprocess.run(
        ["bash", "-c", f'set -euo pipefail; source "{SCRIPTS}/common.sh"; {snippet}', "example.sh"],
        capture_output=True, text=True, timeout=30,
        env={**os.environ, "QUORATE_ETC": str(root), "QUORATE_LOGS": str(root / "log")},
    )  # fmt: skip


def test_the_last_line_reaches_the_log_though_systemd_ends_what_a_finished_step_leaves(tmp_path: Path) -> None:
    slow_tee = tmp_path / "tee"
    slow_tee.write_text(f'#!/bin/sh\nsleep 0.5\nexec {shutil.which("tee")} "$@"\n')
    slow_tee.chmod(0o755)
    step = subprocess.Popen(
        ["bash", "-c", f'source "{SCRIPTS}/common.sh"; start_log; sleep 0.1; say "the end"', "example.sh"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "QUORATE_LOGS": str(tmp_path / "log")},
    )  # fmt: skip
    step.wait(20)
    os.killpg(step.pid, signal.SIGTERM)
    printed, _ = step.communicate(timeout=20)
    assert "the end" in printed
    assert "the end" in (tmp_path / "log" / "example.log").read_text()


def test_there_are_scripts() -> None:
    assert len(PROGRAMS) > 5
    assert "common.sh" in {script.name for script in LIBRARIES}


@pytest.mark.parametrize("script", ALL, ids=lambda script: script.name)
def test_a_script_parses_and_fits_on_a_page(script: Path) -> None:
    assert subprocess.run(["bash", "-n", str(script)], capture_output=True).returncode == 0
    assert len(script.read_text().splitlines()) <= 120


@pytest.mark.parametrize("script", PROGRAMS, ids=lambda script: script.name)
def test_a_script_stops_at_errors_traces_nothing_and_says_what_it_is_for(script: Path) -> None:
    text = script.read_text()
    lines = text.splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert lines[1].startswith("# ")
    assert "set -euo pipefail" in lines
    assert "set -x" not in text
    assert "xtrace" not in text
    assert os.access(script, os.X_OK)


def test_waiting_returns_as_soon_as_the_probe_succeeds(tmp_path: Path) -> None:
    outcome = in_common(f'wait_until 10 "a file" test -e "{tmp_path}"; say done', tmp_path)
    assert outcome.stdout.endswith("example: done\n")


def test_waiting_in_vain_ends_with_the_last_answer_and_the_machine(tmp_path: Path) -> None:
    outcome = in_common(
        'MACHINE_NAME=cp-7; answer() { echo "port closed"; return 1; }; wait_until 1 "the port" answer; say done',
        tmp_path,
    )
    assert outcome.returncode == 1
    assert "example FAILED on cp-7: waited 1s for the port; the last answer was: port closed" in outcome.stderr
    assert "done" not in outcome.stdout


def test_a_missing_environment_value_is_named_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "node.env").write_text("A=1\n")
    outcome = in_common("load_environment A B", tmp_path)
    assert outcome.returncode == 1
    assert f"{tmp_path}/node.env does not set B; run pulumi up" in outcome.stderr


def test_a_failing_command_is_reported_with_its_line_in_output_and_log(tmp_path: Path) -> None:
    outcome = in_common('start_log; step() { cat /nowhere/at/all; }; step; say "still here"', tmp_path)
    assert outcome.returncode != 0
    assert "example FAILED" in outcome.stdout
    assert "cat /nowhere/at/all" in outcome.stdout
    assert "still here" not in outcome.stdout
    assert "example FAILED" in (tmp_path / "log/example.log").read_text()


def test_text_is_installed_once(tmp_path: Path) -> None:
    snippet = f'if install_text 600 "{tmp_path}/f" <<<"x"; then say changed; else say same; fi'
    assert in_common(snippet, tmp_path).stdout.endswith("changed\n")
    assert in_common(snippet, tmp_path).stdout.endswith("same\n")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f"]
