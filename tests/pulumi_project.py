"""A real Pulumi engine with the sandbox's plugins, in a folder of the test's own. Fixtures, to be imported by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import sandbox_cli


@dataclass(frozen=True)
class Project:
    """A Pulumi project; the fixture's has one stack, `test`."""

    folder: Path
    environment: Mapping[str, str]
    patience_seconds: float = 120

    def write(self, program: str) -> None:
        (self.folder / "__main__.py").write_text(textwrap.dedent(program))

    def run(self, *arguments: str, ok: bool = True) -> str:
        """Runs `pulumi` and returns everything it printed; `ok` says whether it must succeed or must fail."""
        command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
        outcome = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=self.patience_seconds,
        )
        printed = outcome.stdout + outcome.stderr
        ended = f"{' '.join(command)} ended with {outcome.returncode}"
        assert (outcome.returncode == 0) == ok, f"{ended}:\n{printed[-6000:]}"
        return printed

    def up(self, program: str | None = None, *arguments: str, ok: bool = True) -> str:
        if program is not None:
            self.write(program)
        return self.run("up", "--yes", "--skip-preview", *arguments, ok=ok)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def output(self, name: str) -> Any:
        return json.loads(self.run("stack", "output", name, "--json", "--show-secrets"))

    def resources(self) -> dict[str, Any]:
        """Resources of the exported state by name, secrets as ciphertext."""
        state = json.loads(self.run("stack", "export"))["deployment"]
        return {entry["urn"].rsplit("::", 1)[1]: entry for entry in state.get("resources", [])}

    def preview(self, program: str | None = None, *arguments: str) -> dict[str, str]:
        """What a preview would do, by resource name: create, update, replace, same, ..."""
        if program is not None:
            self.write(program)
        steps = json.loads(self.run("preview", "--json", "--show-sames", *arguments))["steps"]
        return {step["urn"].rsplit("::", 1)[1]: step["op"] for step in steps}


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Environment of an installed engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUORATE_STATE", str(tmp_path_factory.mktemp("engine")))
        patch.delenv("QUORATE_PULUMI", raising=False)
        yield {**os.environ, **sandbox_cli.engine_environment()}


@pytest.fixture
def project(engine: Mapping[str, str], tmp_path: Path) -> Project:
    folder, stacks = tmp_path / "project", tmp_path / "stacks"
    folder.mkdir()
    stacks.mkdir()
    runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
    (folder / "Pulumi.yaml").write_text(json.dumps({"name": "probe", "runtime": runtime}))
    made = Project(folder, {**engine, "PULUMI_BACKEND_URL": f"file://{stacks}"})
    made.run("stack", "init", "test")
    return made
