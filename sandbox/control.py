"""The supervisor's control socket, on which the command line asks it for something and waits for the answer."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox.cloud.api.acceptor import Acceptor
from sandbox.errors import SandboxError

_ANSWER_SECONDS = 90
_LONGEST_REQUEST_BYTES = 65536

Handle = Callable[[Mapping[str, str]], str]


class ControlService:
    """Answers requests with what `handle` returns, or with the text of the SandboxError that it raises."""

    def __init__(self, path: Path, handle: Handle) -> None:
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(8)
        self._path = path
        self._handle = handle
        self._acceptor = Acceptor(listener, self._serve, "control")

    def start(self) -> None:
        self._acceptor.start()

    def stop(self) -> None:
        self._acceptor.stop()
        self._path.unlink(missing_ok=True)

    def _serve(self, connection: socket.socket, _: str) -> None:
        with connection, connection.makefile("rwb") as stream, contextlib.suppress(OSError):
            request = json.loads(stream.readline(_LONGEST_REQUEST_BYTES))
            try:
                answer = {"said": self._handle(request)}
            except SandboxError as problem:
                answer = {"error": str(problem)}
            except Exception as problem:  # the asker must learn of it, and the service go on
                answer = {"error": f"{type(problem).__name__}: {problem}"}
            stream.write(json.dumps(answer).encode() + b"\n")


def ask(path: Path, request: Mapping[str, str]) -> str:
    """The running supervisor's answer. Raises SandboxError where it refuses, or where none runs."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWER_SECONDS)
            connection.connect(str(path))
            with connection.makefile("rwb") as stream:
                stream.write(json.dumps(request).encode() + b"\n")
                stream.flush()
                answer = json.loads(stream.readline() or b'{"error": "the supervisor ended before it answered"}')
    except (FileNotFoundError, ConnectionRefusedError):
        raise SandboxError("the sandbox is not running; start it with `python -m sandbox up`") from None
    except TimeoutError:
        raise SandboxError(f"the supervisor did not answer {request} within {_ANSWER_SECONDS} s") from None
    if "error" in answer:
        raise SandboxError(answer["error"])
    return str(answer["said"])
