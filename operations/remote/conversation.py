"""A local program that is given something and whose lines are read while they come."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Final

from operations.errors import NotAnswered

Show = Callable[[str], object]
Noted = Callable[[subprocess.Popen[bytes]], None]
_LAST_LINES: Final = 3
_STOP_SECONDS: Final = 5


@dataclass(frozen=True)
class Ended:
    """`status` is None where the time was up. `last_words` are the last lines of both its outputs."""

    status: int | None
    printed: str
    last_words: Sequence[str]


def converse(
    command: Sequence[str], given: bytes, seconds: float | None, show: Show, starts: Noted, ends: Noted
) -> Ended:
    """Runs `command`, shows the lines of its standard output, and tells `starts` and `ends` of its process.

    Raises NotAnswered where there is no such program.
    """
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise NotAnswered(f"there is no `{command[0]}` on the PATH") from None
    words: deque[str] = deque(maxlen=_LAST_LINES)
    printed: list[str] = []

    def read_output(line: str) -> None:
        printed.append(line)
        show(line.rstrip("\n"))

    assert process.stdin
    assert process.stdout
    assert process.stderr
    helpers = [
        threading.Thread(target=_give, args=(process.stdin, given), daemon=True),
        threading.Thread(target=_read, args=(process.stdout, words, read_output), daemon=True),
        threading.Thread(target=_read, args=(process.stderr, words, lambda line: None), daemon=True),
    ]
    status: int | None = None
    try:
        starts(process)
        for helper in helpers:
            helper.start()
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = process.wait(seconds)
    finally:
        _end(process)
        ends(process)
        for helper in helpers:
            if helper.ident is not None:
                helper.join(_STOP_SECONDS)
    return Ended(status, "".join(printed), tuple(words))


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    # At first gently: ssh has one beside it that leads through the bastion.
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _give(pipe: IO[bytes], given: bytes) -> None:
    # Who does not read what it is given says why in its own words.
    with contextlib.suppress(BrokenPipeError), pipe:
        pipe.write(given)


def _read(pipe: IO[bytes], words: deque[str], shown: Callable[[str], None]) -> None:
    with pipe:
        for piece in pipe:
            line = piece.decode(errors="replace")
            if line.strip():
                words.append(line.strip())
            shown(line)
