"""Programs that stand in for those that the node program calls: they write down their calls and answer as told."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

# Answers are lines of PATTERN, EXIT STATUS and TEXT (with \n): the first whose pattern is in the call.
_PROGRAM = r"""#!/usr/bin/env bash
call="$(basename "$0") $*"
printf '%s\n' "$call" >>"$STAND_INS/calls"
if [[ ! -t 0 ]]; then cat >>"$STAND_INS/given"; fi
{before}
while IFS=$'\x1f' read -r pattern status text; do
  if [[ "$call" == *"$pattern"* ]]; then
    if ((status)); then printf '%b' "$text" >&2; else printf '%b' "$text"; fi
    exit "$status"
  fi
done <"$0.answers"
"""


@dataclass
class StandIns:
    """In `folder`, first on the PATH of the test."""

    folder: Path

    def program(self, name: str, *answers: tuple[str, int, str], before: str = "") -> None:
        """Each of `answers` is a part of a call, an exit status and a text; any other call prints nothing and succeeds.

        `before` is what bash does before it answers, with the call in $call.
        """
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_PROGRAM.replace("{before}", before))
        path.chmod(0o755)
        lines = ("\x1f".join([part, str(status), text.replace("\n", r"\n")]) for part, status, text in answers)
        Path(f"{path}.answers").write_text("".join(f"{line}\n" for line in lines))

    @property
    def calls(self) -> list[str]:
        """Every call, in order, as it would stand on a command line."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def calls_with(self, part: str) -> list[str]:
        return [call for call in self.calls if part in call]

    @property
    def given(self) -> str:
        """All that programs read from standard input."""
        path = self.folder / "given"
        return path.read_text() if path.exists() else ""


def stand_ins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("STAND_INS", str(folder))
    return StandIns(folder)
