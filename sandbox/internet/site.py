"""Serves the site over HTTP, by the name that the client asked for. TLS is ended in front of it."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sandbox.internet import registry

Log = Callable[[str], None]
_IDLE_SECONDS = 300
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Span:
    """Part of a file: from `start`, `length` bytes."""

    start: int
    length: int


def serve(listener: socket.socket, root: Path, log: Log) -> None:
    """Serves `root`/HOST/PATH on a listening socket until the process ends or the socket is closed.

    What is not there is answered 404 and logged by name.
    """
    make_server(listener, root, log).serve_forever()


def make_server(listener: socket.socket, root: Path, log: Log) -> ThreadingHTTPServer:
    """The server, not yet serving; it owns the socket from here on."""

    class Handler(_Handler):
        site = root
        say = staticmethod(log)

    server = _Server(listener.getsockname(), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in the middle is no event."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "site"
    sys_version = ""
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True
    site: Path
    say: Log

    def do_GET(self) -> None:
        host = self.headers.get("Host", "").partition(":")[0].lower().rstrip(".")
        path = unquote(urlsplit(self.path).path)
        root = self.site / host
        if not re.fullmatch(r"[a-z0-9.-]+", host) or host.strip(".") == "" or not root.is_dir():
            self._missing(host, path, f"nothing is served under the name {host or '(none)'}\n")
        elif path.startswith("/v2/") and (root / "v2").is_dir():
            self._answer_from_registry(host, root, path)
        else:
            file = (root / path.lstrip("/")).resolve()
            if file.is_file() and file.is_relative_to(root.resolve()):
                self._send_file(file, {"Content-Type": "application/octet-stream"})
            else:
                self._missing(host, path, f"{host} has no {path} here\n")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer_from_registry(self, host: str, root: Path, path: str) -> None:
        found = registry.look_up(root, path)
        if isinstance(found, registry.Found):
            self._send_file(found.file, {**registry.API_VERSION, **found.headers})
            return
        if found.status == 404:
            self.say(f"internet: {host}{path}: not served")
        self._send(found.status, found.body, {**registry.API_VERSION, "Content-Type": "application/json"})

    def _missing(self, host: str, path: str, message: str) -> None:
        self.say(f"internet: {host}{path}: not served")
        self._send(404, message.encode(), {"Content-Type": "text/plain"})

    def _send_file(self, file: Path, headers: Mapping[str, str]) -> None:
        with file.open("rb") as content:
            about = file.stat()
            tag = f'"{about.st_mtime_ns:x}-{about.st_size:x}"'
            common = {
                **headers,
                "ETag": tag,
                "Last-Modified": formatdate(about.st_mtime, usegmt=True),
                "Accept-Ranges": "bytes",
            }
            if self._client_has(tag, int(about.st_mtime)):
                self._send(304, b"", common)
                return
            span = self._asked_span(about.st_size, tag, int(about.st_mtime))
            if span is None:
                self._send(416, b"", {"Content-Range": f"bytes */{about.st_size}"})
                return
            partial = span.length < about.st_size
            if partial:
                last = span.start + span.length - 1
                common["Content-Range"] = f"bytes {span.start}-{last}/{about.st_size}"
            self._head(206 if partial else 200, span.length, common)
            if self.command == "GET" and span.length:
                self.wfile.flush()
                self.connection.sendfile(content, span.start, span.length)

    def _client_has(self, tag: str, modified: int) -> bool:
        if known := self.headers.get("If-None-Match"):
            return tag in (item.strip() for item in known.split(",")) or known.strip() == "*"
        return self._not_after(self.headers.get("If-Modified-Since"), modified)

    def _asked_span(self, size: int, tag: str, modified: int) -> Span | None:
        """What of the file is asked for: all of it, where the range is not understood; None, where it lies outside."""
        asked = _RANGE.fullmatch(self.headers.get("Range", "").strip())
        condition = self.headers.get("If-Range")
        if condition and condition != tag and not self._not_after(condition, modified):
            asked = None
        if asked is None or asked.group(0) == "bytes=-":
            return Span(0, size)
        first, last = asked.groups()
        if not first:
            length = min(int(last), size)
            return Span(size - length, length) if length else None
        start = int(first)
        end = min(int(last), size - 1) if last else size - 1
        return Span(start, end - start + 1) if start <= end else None

    @staticmethod
    def _not_after(date: str | None, modified: int) -> bool:
        try:
            return date is not None and modified <= parsedate_to_datetime(date).timestamp()
        except ValueError:
            return False

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self._head(status, len(body), headers)
        if self.command == "GET":
            self.wfile.write(body)

    def _head(self, status: int, length: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """What was served is of no interest; what was not is said above."""
