"""The scripts that the workflows call, run as they call them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
MARKER = "<!-- quorate preview: prod -->"
# A `gh` that answers the list of comments from a file and writes down what it is asked to do.
GH = """#!/usr/bin/env bash
set -euo pipefail
printf '%s|' "$@" >>"$GH_LOG"
printf 'marker=%s\\n' "$MARKER" >>"$GH_LOG"
case " $* " in *' --jq '*) cat "$GH_ANSWER" ;; esac
"""


@dataclass(frozen=True)
class Github:
    """A stand-in for `gh`: what it was asked, and the ids that it answers."""

    folder: Path
    environment: dict[str, str]

    def comment(self, *files: Path) -> subprocess.CompletedProcess[str]:
        command = [str(CHECKOUT / ".ci/comment"), *map(str, files)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True)

    def found(self, *ids: int) -> None:
        (self.folder / "answer").write_text("".join(f"{number}\n" for number in ids))

    @property
    def asked(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines()


@pytest.fixture
def github(tmp_path: Path) -> Github:
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    (tmp_path / "log").touch()
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "GH_LOG": str(tmp_path / "log"),
        "GH_ANSWER": str(tmp_path / "answer"),
        "REPOSITORY": "owner/name",
        "PULL_REQUEST": "7",
    }
    made = Github(tmp_path, environment)
    made.found()
    return made


def written(folder: Path, text: str) -> Path:
    file = folder / "comment.md"
    file.write_text(text)
    return file


def test_the_first_preview_makes_a_comment(github: Github, tmp_path: Path) -> None:
    file = written(tmp_path, f"{MARKER}\nbody\n")
    assert github.comment(file).returncode == 0
    listed, posted = github.asked
    assert "github-actions[bot]" in listed, "another's comment with the same marker is left alone"
    assert f"marker={MARKER}" in listed
    assert f"--method|POST|repos/owner/name/issues/7/comments|--field|body=@{file}|" in posted


def test_a_later_preview_edits_the_first_one_in_place(github: Github, tmp_path: Path) -> None:
    github.found(41, 42)
    assert github.comment(written(tmp_path, f"{MARKER}\nbody\n")).returncode == 0
    assert "--method|PATCH|repos/owner/name/issues/comments/41|" in github.asked[1]
    assert len(github.asked) == 2


def test_a_file_without_a_marker_is_not_sent(github: Github, tmp_path: Path) -> None:
    outcome = github.comment(written(tmp_path, "hello\n"))
    assert outcome.returncode == 1
    assert "does not begin with a marker" in outcome.stderr
    assert github.asked == []


def test_a_preview_that_left_no_comment_does_not_keep_others_from_theirs(github: Github, tmp_path: Path) -> None:
    outcome = github.comment(tmp_path / "none.md", written(tmp_path, f"{MARKER}\nbody\n"))
    assert outcome.returncode == 0
    assert len(github.asked) == 2


@pytest.mark.parametrize("arguments", [[], ["prod"], ["--stack", "x"], ["a;b", "folder"], ["../x y", "folder"]])
def test_preview_refuses_what_is_no_stack(arguments: list[str]) -> None:
    outcome = subprocess.run([str(CHECKOUT / ".ci/preview"), *arguments], capture_output=True, text=True)
    assert outcome.returncode == 2
