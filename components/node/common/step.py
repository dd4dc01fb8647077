"""How a step runs: its log, its lock, and how it says that it failed."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from components.node.common import log
from components.node.common.environment import read_environment
from components.node.common.failure import Failure


def run_step(name: str, work: Callable[[], None], *, within: AbstractContextManager[None] | None = None) -> int:
    """0, or 1 with the reason as the last line. It runs `within` a lock, if it must not overlap with another run."""
    log.begin_log(name)
    try:
        if os.geteuid() != 0:
            raise Failure("must be root; run it with sudo")
        with within or nullcontext():
            work()
    except Failure as failure:
        log.report_failure(_machine_name(), str(failure))
        return 1
    # A fault of this program must not end in a traceback that nobody can act on; the log keeps the place.
    except Exception as error:
        where = error.__traceback__
        while where and where.tb_next:
            where = where.tb_next
        place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "?"
        log.report_failure(_machine_name(), f"{type(error).__name__} at {place}: {error}")
        return 1
    return 0


def _machine_name() -> str:
    try:
        return read_environment()["MACHINE_NAME"]
    except (Failure, KeyError):
        return socket.gethostname()


def usage(message: str) -> int:
    print(message, file=sys.stderr)
    return 2
