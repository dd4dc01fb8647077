"""Runs a command on this machine."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from contextlib import suppress

from sandbox.engine.command.ending import Ending
from sandbox.engine.command.output import Output


async def run(command: str, stdin: str, environment: Mapping[str, str], output: Output, ending: Ending) -> None:
    """Runs it to its end, or kills it when the operation must end. Raises ReportedError if it fails."""
    try:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", command,
            env={**os.environ, **environment}, stdin=PIPE if stdin else DEVNULL, stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
    except OSError as problem:
        raise output.failure(f"fork/exec /bin/sh: {os.strerror(problem.errno or 0).lower()}", command) from problem
    killer = asyncio.create_task(_kill_when_ended(process, ending))
    try:
        await asyncio.gather(
            _feed(process.stdin, stdin),
            _pump(process.stdout, "stdout", output),
            _pump(process.stderr, "stderr", output),
        )
        code = await process.wait()
    finally:
        killer.cancel()
        with suppress(ProcessLookupError):
            process.kill()
    if code:
        reason = f"exit status {code}" if code > 0 else f"signal: {(signal.strsignal(-code) or str(-code)).lower()}"
        raise output.failure(reason, command)


async def _kill_when_ended(process: asyncio.subprocess.Process, ending: Ending) -> None:
    await ending.wait()
    with suppress(ProcessLookupError):
        process.kill()


async def _feed(pipe: asyncio.StreamWriter | None, stdin: str) -> None:
    if pipe is None:
        return
    # The command may end without reading its input.
    with suppress(BrokenPipeError, ConnectionResetError):
        pipe.write(stdin.encode())
        await pipe.drain()
    pipe.close()


async def _pump(stream: asyncio.StreamReader | None, name: str, output: Output) -> None:
    chunk = b"-"
    while chunk and stream is not None:
        chunk = await stream.read(65536)
        output.add(name, chunk)
