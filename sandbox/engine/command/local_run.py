"""Runs a command on this machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from sandbox.engine.command.globs import GlobError, matching_files
from sandbox.engine.command.streams import Captured, LogLine
from sandbox.engine.command.texts import exit_text, quoted, system_text, without_last_newline
from sandbox.engine.plugin.properties import Archive, Asset, Properties, Value
from sandbox.engine.plugin.server import PluginError

OnCancel = Callable[[Callable[[], None]], Callable[[], None]]

# A killed shell may leave children that hold its pipes.
_SECONDS_FOR_PIPES = 2.0


@dataclass(frozen=True)
class LocalCommand:
    """What to run and how. `globs` of None: no such output."""

    command: str
    interpreter: Sequence[str] = ()
    directory: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""
    logging: str | None = None
    asset_globs: Sequence[str] | None = None
    archive_globs: Sequence[str] | None = None


def run(what: LocalCommand, log: LogLine, on_cancel: OnCancel) -> Properties:
    """Runs it to its end and returns stdout, stderr, assets, archive. Raises PluginError if it fails."""
    captured = Captured(log, what.logging)
    directory = what.directory if what.directory is not None else str(Path.cwd())
    words = [*(what.interpreter or ("/bin/sh", "-c")), what.command]
    try:
        process = subprocess.Popen(
            words,
            cwd=directory,
            env={**os.environ, **what.environment},
            stdin=subprocess.PIPE if what.stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as problem:
        reason = _start_failure(problem, words[0], directory)
        raise PluginError(f"{reason}: running {quoted(what.command)}:\n") from problem
    forget = on_cancel(process.kill)
    try:
        _communicate(process, what.stdin, captured)
    finally:
        forget()
    if process.returncode:
        reason = exit_text(process.returncode)
        raise PluginError(f"{reason}: running {quoted(what.command)}:\n{captured.text('both')}")
    return {
        **_files(what, Path(directory)),
        "stdout": without_last_newline(captured.text("stdout")),
        "stderr": without_last_newline(captured.text("stderr")),
    }


def _communicate(process: subprocess.Popen[bytes], stdin: str, captured: Captured) -> None:
    def pump(name: str, stream: IO[bytes]) -> None:
        while chunk := os.read(stream.fileno(), 65536):
            captured.add(name, chunk)
        captured.finish(name)

    streams = {"stdout": cast(IO[bytes], process.stdout), "stderr": cast(IO[bytes], process.stderr)}
    readers = [threading.Thread(target=pump, args=pair, daemon=True) for pair in streams.items()]
    for reader in readers:
        reader.start()
    if process.stdin is not None:
        threading.Thread(target=_feed, args=(process.stdin, stdin.encode()), daemon=True).start()
    process.wait()
    for reader in readers:
        reader.join(_SECONDS_FOR_PIPES if process.returncode < 0 else None)


def _feed(pipe: IO[bytes], content: bytes) -> None:
    try:
        with pipe:
            pipe.write(content)
    except BrokenPipeError:
        pass  # the command may end without reading its input


def _start_failure(problem: OSError, program: str, directory: str) -> str:
    if problem.filename == directory and not Path(directory).is_dir():
        return f"chdir {directory}: {system_text(problem)}"
    if "/" not in program:
        return f"exec: {quoted(program)}: executable file not found in $PATH"
    return f"fork/exec {program}: {system_text(problem)}"


def _files(what: LocalCommand, directory: Path) -> Properties:
    found: Properties = {}
    try:
        if what.asset_globs is not None:
            found["assets"] = _assets(directory, what.asset_globs)
        if what.archive_globs is not None:
            found["archive"] = Archive(assets=_assets(directory, what.archive_globs))
    except (GlobError, OSError) as problem:
        raise PluginError(str(problem)) from problem
    return found


def _assets(directory: Path, globs: Sequence[str]) -> dict[str, Value]:
    return {name: _asset(directory / name) for name in matching_files(directory, globs)}


def _asset(path: Path) -> Asset:
    with path.open("rb") as file:
        return Asset(path=str(path), hash=hashlib.file_digest(file, "sha256").hexdigest())
