"""Output of a command: kept in full, and logged line by line while it comes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

from sandbox.engine.serving import ReportedError

# bufio.Scanner of the original reads no longer line, and nobody reads on after it.
_LONGEST_LINE_BYTES = 64 * 1024


class Output:
    """Standard output and error of one command, each for itself and both in the order in which they came.

    `logging` is the resource's property; None logs both.
    """

    def __init__(self, log: Callable[[str], None], logging: str | None) -> None:
        self._log = log
        self._logged = {name for name in ("stdout", "stderr") if logging in (None, name, "stdoutAndStderr")}
        self._lock = threading.Lock()
        self._all = {"stdout": b"", "stderr": b"", "both": b""}
        self._unfinished = {"stdout": b"", "stderr": b""}

    def add(self, stream: str, chunk: bytes) -> None:
        """`stream` is stdout or stderr; an empty chunk is its end. Raises ReportedError for a line that is too long."""
        with self._lock:
            self._all[stream] += chunk
            self._all["both"] += chunk
        if stream not in self._logged:
            return
        *lines, rest = (self._unfinished[stream] + chunk).split(b"\n")
        if not chunk and rest:
            lines, rest = [rest], b""
        self._unfinished[stream] = rest
        if any(len(line) >= _LONGEST_LINE_BYTES for line in (*lines, rest)):
            raise ReportedError("a logged line of 64 KiB or more, on which the plugin command hangs: set `logging`")
        for line in lines:
            self._log(line.decode(errors="replace").removesuffix("\r"))

    def results(self) -> tuple[str, str]:
        """stdout and stderr as the resource has them: without the last newline."""
        return self._text("stdout").removesuffix("\n"), self._text("stderr").removesuffix("\n")

    def failure(self, reason: str, command: str) -> ReportedError:
        """An error in the form of the original: with the command and all its output."""
        return ReportedError(f"{reason}: running {json.dumps(command, ensure_ascii=False)}:\n{self._text('both')}")

    def _text(self, stream: str) -> str:
        with self._lock:
            return self._all[stream].decode(errors="replace")
