"""Runs `pulumi preview` and hands on what it says."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from operations.errors import OperationFailed
from operations.preview.digest import Preview, read_preview

_SHOWN_LINES = 15


def run_preview(stack: str, folder: Path, policy_packs: Sequence[Path]) -> Preview:
    """The preview of a stack of the program in `folder`. Raises OperationFailed when pulumi says nothing usable."""
    with tempfile.TemporaryDirectory(prefix="quorate-preview-") as scratch:
        events = Path(scratch) / "events"
        command = ["pulumi", "preview", "--json", "--show-sames", "--non-interactive", "--stack", stack]
        command += ["--event-log", str(events)]
        for pack in policy_packs:
            command += ["--policy-pack", str(pack)]
        # The flag --event-log is there only with this variable; policies are reported nowhere else.
        environment = {**os.environ, "PULUMI_DEBUG_COMMANDS": "true"}
        try:
            outcome = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        except FileNotFoundError:
            raise OperationFailed(
                "there is no `pulumi` on the PATH: install its CLI, or hand over a saved preview with --preview"
            ) from None
        try:
            return read_preview(outcome.stdout, events.read_text().splitlines() if events.exists() else ())
        except OperationFailed:
            tail = "\n".join((outcome.stderr or outcome.stdout).strip().splitlines()[-_SHOWN_LINES:])
            raise OperationFailed(
                f"`{' '.join(command[:2])}` of {stack} ended with {outcome.returncode}:\n{tail}"
            ) from None
