"""A machine as the node scripts see it: their own files, and programs that stand in for what they call."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.delivery.node_files import node_script

# Writes down how each program was called and what it was given, and answers as NAME.answers says:
# lines of PATTERN, a tab, EXIT STATUS, a tab, ANSWER (with \n), the first whose pattern is in the call.
_STAND_IN = r"""#!/usr/bin/env bash
name="$(basename "$0")"
given=""
call="$name $*"
case "$call" in
  *'@-'* | *'--filename -'*) given="$(cat)" ;;
  # Left unread, it would end whoever writes it.
  *'--config - '*) cat >/dev/null ;;
esac
for argument; do
  # What is passed by a file descriptor is no part of a command line; curl's configuration comes so.
  case "$argument" in /dev/fd/*) [[ -n "$given" ]] || true; cat "$argument" >>"$MACHINE/configurations" ;; esac
done
printf '%s\n' "$call" >>"$MACHINE/calls"
printf '%s\n' "$given" >>"$MACHINE/bodies"
while IFS=$'\t' read -r pattern status answer; do
  if [[ "$call $given" == *"$pattern"* ]]; then
    printf '%b' "$answer"
    exit "$status"
  fi
done <"$MACHINE/$name.answers"
exit 0
"""


@dataclass
class NodeMachine:
    """Scripts in `folder`/bin with `answers` for the programs they call: by program, (pattern, exit status, answer)."""

    folder: Path

    def prepare(
        self,
        scripts: tuple[str, ...],
        environment: Mapping[str, str],
        answers: Mapping[str, list[tuple[str, int, str]]],
    ) -> None:
        for name in ("bin", "programs", "etc/pki", "logs", "run"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name in scripts:
            self._program(self.folder / "bin" / name, node_script(name))
        self._program(self.folder / "bin" / "prepare-machine.sh", "#!/bin/sh\necho prepared\n")
        (self.folder / "etc" / "node.env").write_text("".join(f"{key}={value}\n" for key, value in environment.items()))
        for program, lines in answers.items():
            self._program(self.folder / "programs" / program, _STAND_IN)
            text = "".join(f"{pattern}\t{status}\t{answer}\n" for pattern, status, answer in lines)
            (self.folder / f"{program}.answers").write_text(text)
        for name in ("calls", "bodies", "configurations"):
            (self.folder / name).write_text("")

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run_with(script, **environment)

    def run_with(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        proxies = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        return subprocess.run(
            [str(self.folder / "bin" / script), *arguments],
            capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
            env={
                **proxies,
                "PATH": f"{self.folder}/programs:{os.environ['PATH']}",
                "MACHINE": str(self.folder),
                "QUORATE_ETC": str(self.folder / "etc"),
                "QUORATE_LOGS": str(self.folder / "logs"),
                "QUORATE_LOCKS": str(self.folder),
                "QUORATE_RUN": str(self.folder / "run"),
                **environment,
            },
        )  # fmt: skip

    def calls(self, program: str) -> list[str]:
        lines = (self.folder / "calls").read_text().splitlines()
        return [line.removeprefix(f"{program} ") for line in lines if line.startswith(f"{program} ")]

    @property
    def bodies(self) -> str:
        """All that programs were given on standard input."""
        return (self.folder / "bodies").read_text()

    def public_text(self) -> str:
        """What anyone on the machine may see or what is kept: command lines and logs."""
        logs = "".join(log.read_text() for log in (self.folder / "logs").iterdir())
        return (self.folder / "calls").read_text() + logs

    def _program(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)
