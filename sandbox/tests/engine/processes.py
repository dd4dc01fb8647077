"""Processes of an engine that runs, for tests that end one in the middle."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from pathlib import Path


def interrupted(engine: subprocess.Popen[str]) -> str:
    """Ctrl-C, and what was printed until the end."""
    engine.send_signal(signal.SIGINT)
    printed, _ = engine.communicate(timeout=60)
    return printed


def plugin_of(engine: int, name: str) -> int:
    """The process id of the engine's plugin of that name."""
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == engine and name in (folder / "cmdline").read_bytes().decode():
                return int(folder.name)
    raise AssertionError(f"the engine {engine} runs no {name}")
