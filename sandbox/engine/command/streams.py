"""Output of a command: kept in full, and logged line by line while it comes."""

from __future__ import annotations

import threading
from collections.abc import Callable

LogLine = Callable[[str], None]


class Captured:
    """Standard output and error of one command, each for itself and both in the order in which they came.

    `logging` is the resource's property: None logs both; a text that names no stream logs nothing.
    """

    def __init__(self, log: LogLine, logging: str | None) -> None:
        self._log = log
        self._logged = {
            "stdout": logging in (None, "stdout", "stdoutAndStderr"),
            "stderr": logging in (None, "stderr", "stdoutAndStderr"),
        }
        self._lock = threading.Lock()
        self._parts: dict[str, list[bytes]] = {"stdout": [], "stderr": [], "both": []}
        self._unfinished = {"stdout": b"", "stderr": b""}

    def add(self, stream: str, chunk: bytes) -> None:
        """`stream` is stdout or stderr."""
        with self._lock:
            self._parts[stream].append(chunk)
            self._parts["both"].append(chunk)
        if self._logged[stream]:
            *lines, self._unfinished[stream] = (self._unfinished[stream] + chunk).split(b"\n")
            for line in lines:
                self._log(_text(line).removesuffix("\r"))

    def finish(self, stream: str) -> None:
        """Logs what came after the last newline."""
        rest, self._unfinished[stream] = self._unfinished[stream], b""
        if rest:
            self._log(_text(rest))

    def text(self, stream: str) -> str:
        """Everything that came by `stream`: stdout, stderr or both."""
        with self._lock:
            return _text(b"".join(self._parts[stream]))


def _text(content: bytes) -> str:
    return content.decode(errors="replace")
