"""The release before this one: a checkout of its own, with the Python environment, engine and plugins that it asks for.

Its sandbox is not run: the world is this one's. Only its installer is, as its SDKs may ask for other plugins.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.conftest import Workspace
from tests.sandbox_cli import CHECKOUT

KEPT = CHECKOUT / "tests" / "previous_release"
# What its engine and plugins are built from; those in the cache are taken where they are the same.
_TOOLS = ("pulumi", "aws", "tls")
# Prints the environment of a pulumi with all of its plugins. From the release after 8790db0 on, this is
# `python -m sandbox env --engine --json`.
_INSTALL = "import json; from sandbox.engine.install import prepare; print(json.dumps({**prepare(lambda line: None)}))"


@dataclass(frozen=True)
class PreviousRelease:
    """`engine` has PATH and PULUMI_HOME for its pulumi."""

    folder: Path
    engine: Mapping[str, str]

    def workspace(self, present: Workspace) -> Workspace:
        """Its program, with its own stack files, on the same sandbox, stacks and passphrase as `present`."""
        _run(["git", "checkout", "--quiet", "--", "stacks"], self.folder)
        workspace = dataclasses.replace(present, folder=self.folder, environment={**present.environment, **self.engine})
        # Its folder serves one stack after the other.
        workspace.forget_kubeconfig()
        return workspace


def check_out(folder: Path) -> PreviousRelease:
    """Takes minutes where its requirements are others, and longer where its tools are."""
    commit, program = (KEPT / "commit").read_text().strip(), folder / "program"
    _run(["git", "clone", "--quiet", "--shared", "--no-checkout", str(CHECKOUT), str(program)], folder)
    if subprocess.run(["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=program, capture_output=True).returncode:
        pytest.fail(f"{KEPT}/commit names {commit}, which this clone lacks: `git fetch --unshallow` gets the history")
    _run(["git", "checkout", "--quiet", "--detach", commit], program)
    if _text(program / "requirements-dev.txt") == _text(CHECKOUT / "requirements-dev.txt"):
        (program / ".venv").symlink_to(CHECKOUT / ".venv")
    else:
        _run(["make", "--silent", "environment"], program)
    python = str(program / ".venv" / "bin" / "python")
    _run([python, "-m", "sandbox.toolchain", *_TOOLS], program)
    installed = json.loads(_run([python, "-c", _INSTALL], program, QUORATE_STATE=str(folder / "engine")))
    return PreviousRelease(program, {name: installed[name] for name in ("PATH", "PULUMI_HOME")})


def assert_kept_scripts_are_its_own(release: PreviousRelease) -> None:
    """Those that an offline test runs in its place."""
    for kept in KEPT.glob("*.sh"):
        assert _text(kept) in {_text(found) for found in (release.folder / "components").rglob(kept.name)}, (
            f"{kept} is not what {release.folder} has: copy it from there"
        )


def _text(file: Path) -> str:
    return file.read_text()


def _run(command: list[str], folder: Path, **environment: str) -> str:
    """What it prints on standard output. Fails with all that it said."""
    outcome = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True)
    if outcome.returncode:
        pytest.fail(f"{shutil.which(command[0])} {command[1:]} in {folder}:\n{outcome.stdout}{outcome.stderr}")
    return outcome.stdout
