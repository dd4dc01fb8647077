"""Serves the site over HTTP, by the name that the client asked for. TLS is ended in front of it."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer
from werkzeug.utils import send_file
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import FileWrapper

from sandbox.internet import registry
from sandbox.web import server_on

Log = Callable[[str], None]
_CHUNK = 1 << 20
"""Bytes of a file at a time: packages have hundreds of megabytes."""


def serve(listener: socket.socket, root: Path, log: Log) -> None:
    """Serves `root`/HOST/PATH on a listening socket until the process ends or the socket is closed.

    What is not there is answered 404 and logged by name.
    """
    make_server(listener, root, log).serve_forever()


def make_server(listener: socket.socket, root: Path, log: Log) -> BaseWSGIServer:
    """The server, not yet serving; it owns the socket from here on."""
    return server_on(listener, _Site(root, log))


@dataclass(frozen=True)
class _Site:
    root: Path
    say: Log

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.file_wrapper"] = lambda file, _: FileWrapper(file, _CHUNK)
        request = Request(environ)
        try:
            response = self._answer(request)
        except HTTPException as refusal:  # a range past the end
            return refusal(environ, start_response)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        host, path = request.host.partition(":")[0].lower().rstrip("."), request.path
        root = self.root / host
        if not re.fullmatch(r"[a-z0-9.-]+", host) or host.strip(".") == "" or not root.is_dir():
            return self._missing(host, path, f"nothing is served under the name {host or '(none)'}\n")
        if path.startswith("/v2/") and (root / "v2").is_dir():
            return self._answer_from_registry(request, host, root)
        file = (root / path.lstrip("/")).resolve()
        if file.is_file() and file.is_relative_to(root.resolve()):
            return _file(request, file, "application/octet-stream")
        return self._missing(host, path, f"{host} has no {path} here\n")

    def _answer_from_registry(self, request: Request, host: str, root: Path) -> Response:
        found = registry.look_up(root, request.path)
        if isinstance(found, registry.Found):
            response = _file(request, found.file, found.content_type)
            response.headers["Docker-Content-Digest"] = found.digest
        else:
            if found.status == 404:
                self.say(f"internet: {host}{request.path}: not served")
            response = Response(found.body, found.status, mimetype="application/json")
        response.headers.update(registry.API_VERSION)
        return response

    def _missing(self, host: str, path: str, message: str) -> Response:
        self.say(f"internet: {host}{path}: not served")
        return Response(message, 404, mimetype="text/plain")


def _file(request: Request, file: Path, content_type: str) -> Response:
    """The file, or the range that is asked for, or that the client has it already."""
    return send_file(file, request.environ, mimetype=content_type, conditional=True)
