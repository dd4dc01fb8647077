"""Child processes of the language host: tracked, streamed, and ended with the call that started them."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

Process = subprocess.Popen[bytes]

_SECONDS_TO_END = 5.0


class Processes:
    """The running children. After `cancel`, those that still start are ended at once."""

    def __init__(self) -> None:
        self.cancelled = False
        self._running: set[Process] = set()
        self._lock = threading.Lock()

    @contextmanager
    def started(self, command: Sequence[str], cwd: str, variables: Mapping[str, str], piped: bool) -> Iterator[Process]:
        """The process, until the block is left; `piped`: its output is read by the caller, else it is ours."""
        where = subprocess.PIPE if piped else None
        process = subprocess.Popen(
            command, cwd=cwd or None, env=variables, stdin=subprocess.DEVNULL, stdout=where, stderr=where
        )
        with self._lock:
            self._running.add(process)
            too_late = self.cancelled
        try:
            if too_late:
                end(process)
            yield process
        finally:
            end(process)
            with self._lock:
                self._running.discard(process)

    def cancel(self) -> None:
        with self._lock:
            self.cancelled = True
            running = list(self._running)
        for process in running:
            end(process)


def end(process: Process) -> None:
    """Asks the process to end, and after some seconds makes it."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()


def output(process: Process) -> Iterator[tuple[str, bytes]]:
    """("stdout" or "stderr", bytes) as they come, until both are closed. The process must have been started piped."""
    chunks: queue.Queue[tuple[str, bytes]] = queue.Queue()
    streams = {"stdout": process.stdout, "stderr": process.stderr}
    for kind, stream in streams.items():
        assert stream is not None
        threading.Thread(target=_pump, args=(kind, stream, chunks), daemon=True).start()
    still_open = len(streams)
    while still_open:
        kind, chunk = chunks.get()
        if chunk:
            yield kind, chunk
        else:
            still_open -= 1


def _pump(kind: str, stream: IO[bytes], chunks: queue.Queue[tuple[str, bytes]]) -> None:
    while chunk := os.read(stream.fileno(), 65536):
        chunks.put((kind, chunk))
    chunks.put((kind, b""))
