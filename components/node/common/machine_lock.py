"""One run of a step at a time on a machine: the boot and `pulumi up` may both start it."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.node.common import log
from components.node.common.waiting import NotYet, wait_until

LOCKS = Path(os.environ.get("QUORATE_LOCKS", "/run/lock"))


@contextmanager
def machine_lock(step: str, seconds: float) -> Iterator[None]:
    """Holds the lock of `step`. While another run has it, that one's log is shown here.

    Raises Failure where the other one still has it after `seconds`.
    """
    LOCKS.mkdir(parents=True, exist_ok=True)
    with (LOCKS / f"quorate-{step}.lock").open("a") as file:
        if not _taken(file.fileno()):
            log.report("another run is in progress; its log follows")
            with _followed(log.log_file(step)):
                wait_until(
                    seconds, f"the other run of {step}, whose log is {log.log_file(step)}", lambda: _take(file.fileno())
                )
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take(descriptor: int) -> None:
    if not _taken(descriptor):
        raise NotYet("it still runs")


@contextmanager
def _followed(path: Path) -> Iterator[None]:
    """Prints what is added to the file at `path`."""
    ended = threading.Event()

    def follow() -> None:
        position = path.stat().st_size if path.exists() else 0
        while not ended.wait(0.5):
            if path.exists():
                with path.open(errors="replace") as file:
                    file.seek(position)
                    print(file.read(), end="", flush=True)
                    position = file.tell()

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()
