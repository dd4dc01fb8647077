"""The sandbox as everybody uses it: by its command line, which sandbox/README.md describes. Nothing here imports it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
_ACCOUNT_END_SECONDS = 30


def command(*arguments: str, module: str = "sandbox") -> list[str]:
    """The command line, to be run in CHECKOUT."""
    return [sys.executable, "-m", module, *arguments]


def sandbox(*arguments: str) -> str:
    """What a verb prints; its progress is shown. Raises AssertionError with what it said where it fails."""
    outcome = subprocess.run(command(*arguments), cwd=CHECKOUT, capture_output=True, text=True)
    print(outcome.stderr, end="")
    assert outcome.returncode == 0, f"python -m sandbox {' '.join(arguments)}:\n{outcome.stdout}{outcome.stderr}"
    return outcome.stdout


def up() -> None:
    print(sandbox("up"))


def down() -> None:
    print(sandbox("down"))


def status() -> dict[str, Any]:
    """The answer of `status --json`, whether anything runs or not."""
    outcome = subprocess.run(command("status", "--json"), cwd=CHECKOUT, capture_output=True, text=True)
    assert outcome.returncode in (0, 3), outcome.stderr
    answer: dict[str, Any] = json.loads(outcome.stdout)
    return answer


def supervisor_process() -> int | None:
    """The supervisor's process id, or None where none runs."""
    found = status()["supervisor"]
    return int(found["pid"]) if found else None


def log() -> str:
    """The supervisor's log, until `down`."""
    return Path(status()["log"]).read_text(errors="replace")


def environment() -> dict[str, str]:
    """What pulumi and other programs need to find the account that is up."""
    return dict(json.loads(sandbox("env", "--json")))


def engine_environment() -> dict[str, str]:
    """What pulumi needs to run at all, without an account."""
    return dict(json.loads(sandbox("env", "--engine", "--json")))


@contextmanager
def account() -> Iterator[dict[str, str]]:
    """The environment of an account without machines, which lives as long as the block."""
    process = subprocess.Popen(command("account"), cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, f"python -m sandbox account ended with {process.wait()}"
        yield dict(json.loads(line))
    finally:
        process.terminate()
        process.wait(_ACCOUNT_END_SECONDS)
        process.stdout.close()


@cache
def binary(tool: str, name: str) -> Path:
    """A command that the sandbox's toolchain has built."""
    asked = command("--path", f"{tool}/{name}", module="sandbox.toolchain")
    outcome = subprocess.run(asked, cwd=CHECKOUT, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr
    return Path(outcome.stdout.strip())


def build_tool(tool: str) -> None:
    """Builds one tool where the cache lacks it."""
    subprocess.run(command(tool, module="sandbox.toolchain"), cwd=CHECKOUT, check=True, capture_output=True)
