"""A Pulumi stack of a test: a program given as text, run by the real engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SECONDS = 180


@dataclass(frozen=True)
class Outcome:
    """What a `pulumi` command left behind: exit code and everything that it wrote."""

    code: int
    text: str


class Stack:
    """A project in `folder` with one stack; the program is changed with `program`."""

    def __init__(self, folder: Path, environment: Mapping[str, str], kubeconfig: str) -> None:
        self._folder = folder
        state = folder / "state"
        state.mkdir()
        self._environment = {
            **os.environ, **environment, "PULUMI_BACKEND_URL": f"file://{state}", "TEST_KUBECONFIG": kubeconfig,
        }  # fmt: skip
        self._environment.pop("KUBECONFIG", None)
        virtualenv = {"virtualenv": sys.prefix}
        project = {"name": "test", "runtime": {"name": "python", "options": virtualenv}}
        (folder / "Pulumi.yaml").write_text(json.dumps(project))
        assert self.run("stack", "init", "dev").code == 0

    def program(self, text: str) -> Stack:
        header = "import os\nimport pulumi\nimport pulumi_kubernetes as k8s\n"
        provider = 'cluster = k8s.Provider("cluster", kubeconfig=os.environ["TEST_KUBECONFIG"])\n'
        options = "on = pulumi.ResourceOptions(provider=cluster)\n"
        (self._folder / "__main__.py").write_text(header + provider + options + textwrap.dedent(text))
        return self

    def with_kubeconfig(self, kubeconfig: str) -> None:
        self._environment["TEST_KUBECONFIG"] = kubeconfig

    def with_environment(self, **variables: str) -> None:
        self._environment.update(variables)

    def command(self, *words: str) -> list[str]:
        return ["pulumi", *words, "--non-interactive", "--color=never", "--stack=dev"]

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*words), cwd=self._folder, env=self._environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, *words: str) -> Outcome:
        command = self.command(*words)
        if words[0] == "stack" and words[1] == "init":
            command = ["pulumi", "stack", "init", "dev", "--non-interactive"]
        done = subprocess.run(
            command, cwd=self._folder, env=self._environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=_SECONDS,
        )  # fmt: skip
        return Outcome(done.returncode, done.stdout)

    def up(self, *words: str) -> Outcome:
        return self.run("up", "--yes", "--skip-preview", *words)

    def preview(self, *words: str) -> Outcome:
        return self.run("preview", "--diff", *words)

    def outputs(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("stack", "output", "--json", "--show-secrets").text)
        return found

    def exported(self) -> str:
        """The state as it is kept, secrets encrypted."""
        return self.run("stack", "export").text

    def resources(self) -> dict[str, dict[str, Any]]:
        """The state's resources by name."""
        listed = json.loads(self.exported())["deployment"].get("resources", [])
        return {entry["urn"].rpartition("::")[2]: entry for entry in listed}
