"""How far a long copy is, and how long it took."""

from __future__ import annotations

import time
from typing import BinaryIO

from components.node.common import log

_MIB = 1024**2
_EVERY_SECONDS = 10


class Progress:
    """Reports at most every ten seconds."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._begun = self._reported = time.monotonic()

    def add(self, size: int) -> None:
        self._done += size
        now = time.monotonic()
        if now - self._reported >= _EVERY_SECONDS:
            self._reported = now
            log.report(f"{self._what}: {size_text(self._done)} of {size_text(self._total)} after {self.seconds}")

    @property
    def seconds(self) -> str:
        return f"{time.monotonic() - self._begun:.1f} s"


class ReportedFile:
    """A file that reports how far it was read."""

    def __init__(self, file: BinaryIO, what: str, total: int) -> None:
        self._file = file
        self._what = what
        self._total = total
        self.progress = Progress(what, total)

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.progress.add(len(block))
        return block

    def seek(self, position: int) -> int:
        self.progress = Progress(self._what, self._total)
        return self._file.seek(position)


def size_text(size: int) -> str:
    return f"{size / _MIB:.1f} MiB" if size >= _MIB else f"{size / 1024:.0f} KiB"
