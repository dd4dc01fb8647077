"""The node scripts as shell: style that is checked, and what they do where a test can see it without a machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from components.delivery.node_files import NodeFile, bundle

SCRIPTS = Path(__file__).parents[3] / "components" / "node" / "scripts"
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
    assert len(PROGRAMS) > 10
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


def test_received_files_are_installed_with_their_modes(tmp_path: Path) -> None:
    files = (
        NodeFile("/opt/quorate/bin/hello.sh", "echo 'a  b\t\\n' $HOME\n\n", "0755"),
        NodeFile("/etc/quorate/pki/ca.key", "%%% not a header of ours\nsecret\n", "0600"),
        NodeFile("/etc/quorate/empty", "", "0644"),
    )
    outcome = run("receive-files.sh", stdin=bundle(files), root=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    for file in files:
        path = tmp_path / file.path.lstrip("/")
        assert path.read_text() == file.content
        assert oct(path.stat().st_mode)[-4:] == file.mode
    assert "secret" not in outcome.stdout + outcome.stderr
    assert oct((tmp_path / "etc/quorate/pki").stat().st_mode)[-3:] == "700"


def test_a_second_delivery_changes_nothing_and_says_nothing(tmp_path: Path) -> None:
    stdin = bundle((NodeFile("/etc/quorate/node.env", "A=1\n"),))
    run("receive-files.sh", stdin=stdin, root=tmp_path)
    before = (tmp_path / "etc/quorate/node.env").stat()
    outcome = run("receive-files.sh", stdin=stdin, root=tmp_path)
    assert outcome.returncode == 0
    assert outcome.stdout == ""
    assert (tmp_path / "etc/quorate/node.env").stat().st_ino == before.st_ino


@pytest.mark.parametrize("kept", range(1, 8))
def test_a_delivery_that_is_cut_off_installs_nothing(kept: int, tmp_path: Path) -> None:
    lines = bundle((NodeFile("/etc/quorate/a", "1\n2\n"), NodeFile("/etc/quorate/b", "3\n4\n"))).splitlines(True)
    assert len(lines) == 7
    outcome = run("receive-files.sh", stdin="".join(lines[:kept]), root=tmp_path)
    assert (outcome.returncode == 0) == (kept == 7)
    assert (tmp_path / "etc/quorate/a").exists() == (kept == 7)


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/quorate/../passwd", "/root/.ssh/authorized_keys", "relative"])
def test_a_path_that_is_not_the_programs_own_is_refused(path: str, tmp_path: Path) -> None:
    outcome = run("receive-files.sh", stdin=bundle((NodeFile(path, "x\n"),)), root=tmp_path)
    assert outcome.returncode != 0
    assert "refuses the path" in outcome.stderr
    assert not list(tmp_path.rglob("passwd"))


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


def test_bootstrap_tokens_are_hidden_from_kubeadms_output(tmp_path: Path) -> None:
    printed = "[bootstrap-token] Using token: abcdef.0123456789abcdef\\nkubeadm init v1.36.4\\n"
    outcome = in_common(f"source {SCRIPTS}/kubeadm-common.sh\nprintf '{printed}' | hide_tokens", tmp_path)
    assert outcome.stdout == "[bootstrap-token] Using token: (token)\nkubeadm init v1.36.4\n"
