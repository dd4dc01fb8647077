"""A private copy of the program, and pulumi in it: what is measured must not write into the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from components.settings.model import Settings
from operations.stack_files import read_stack
from sandbox.bench.events import Moment
from sandbox.errors import SandboxError
from sandbox.paths import CHECKOUT

_PARTS = ("Pulumi.yaml", "__main__.py", "components", "stacks")


class PulumiFailed(SandboxError):
    """A pulumi command failed; the message holds the end of its diagnostics, `printed` all that it said."""

    def __init__(self, command: Sequence[str], code: int, printed: str) -> None:
        self.printed = printed
        diagnostics = (printed.partition("\nDiagnostics:\n")[2] or printed).partition("\nOutputs:\n")[0]
        last = "\n".join(diagnostics.strip().splitlines()[-40:])
        super().__init__(f"`{' '.join(command)}` ended with {code}:\n{last}")


@dataclass(frozen=True)
class Program:
    """The program in `folder`, one of its stacks, and the environment in which pulumi finds the sandbox."""

    folder: Path
    stack: str
    environment: Mapping[str, str]

    @classmethod
    def copied_to(cls, folder: Path, stack: str, environment: Mapping[str, str]) -> Program:
        """Copies the checkout's program. pulumi gets a folder for temporary files beside it, which goes with it."""
        for name in _PARTS:
            source = CHECKOUT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / name)
        (folder / ".venv").symlink_to(CHECKOUT / ".venv")
        (folder / "temporary").mkdir()
        # Without the second, the engine does not know --event-log.
        own = {"TMPDIR": str(folder / "temporary"), "PULUMI_DEBUG_COMMANDS": "true"}
        return cls(folder, stack, {**os.environ, **environment, **own})

    @property
    def stack_file(self) -> Path:
        return self.folder / "stacks" / f"Pulumi.{self.stack}.yaml"

    @property
    def settings(self) -> Settings:
        return read_stack(self.stack, self.folder / "stacks").settings

    def pulumi(self, *arguments: str) -> str:
        """Standard output of `pulumi ARGUMENTS --stack STACK`. Raises PulumiFailed."""
        command = ["pulumi", "--non-interactive", "--color", "never", *arguments, "--stack", self.stack]
        outcome = subprocess.run(command, cwd=self.folder, env=dict(self.environment), capture_output=True, text=True)
        if outcome.returncode:
            raise PulumiFailed(command, outcome.returncode, outcome.stdout + outcome.stderr)
        return outcome.stdout

    def set(self, group: str, key: str, value: object) -> None:
        """Sets one setting in the stack file, or leaves it out where the value is None."""
        stack = yaml.safe_load(self.stack_file.read_text())
        settings = stack["config"].setdefault(f"quorate:{group}", {})
        settings[key] = value
        if value is None:
            del settings[key]
        self.stack_file.write_text(yaml.safe_dump(stack, sort_keys=False))

    def create_stack(self) -> None:
        """Makes the stack. Raises SandboxError where it exists already, as it is somebody's cluster then."""
        listed = subprocess.run(
            ["pulumi", "--non-interactive", "stack", "ls", "--json"],
            cwd=self.folder, env=dict(self.environment), capture_output=True, text=True, check=True,
        )  # fmt: skip
        if any(stack["name"] == self.stack for stack in json.loads(listed.stdout)):
            raise SandboxError(
                f"this sandbox has a stack {self.stack} already, which is not the measurement's to destroy; "
                f"`pulumi destroy --stack {self.stack}` and `pulumi stack rm {self.stack}`, or `make down`"
            )
        self.pulumi("stack", "init")

    def remove_stack(self) -> None:
        """Forgets the empty stack with its history."""
        self.pulumi("stack", "rm", "--yes")

    def up(self, *options: str) -> str:
        return self.pulumi("up", "--yes", "--skip-preview", *options)

    def recorded_up(self) -> Sequence[Moment]:
        """The engine's events of an up, in order, each with the moment at which it came through a pipe.

        The log's own times are whole seconds.
        """
        pipe = self.folder / "events"
        os.mkfifo(pipe)
        moments: list[Moment] = []

        def read() -> None:
            with os.fdopen(reading) as lines:
                moments.extend(Moment(time.monotonic(), json.loads(line)) for line in lines)

        reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(reading, True)
        # Without a writer of ours, the reader would find the pipe's end before pulumi opens it.
        writing = os.open(pipe, os.O_WRONLY)
        reader = threading.Thread(target=read, name="events")
        reader.start()
        try:
            self.up("--event-log", str(pipe))
        finally:
            os.close(writing)
            reader.join()
            pipe.unlink()
        return moments

    def destroy(self) -> str:
        return self.pulumi("destroy", "--yes", "--skip-preview")
