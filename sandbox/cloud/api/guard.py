"""Between the proxy and moto: who asks, may they, what came of it."""

from __future__ import annotations

import contextlib
import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from sandbox.cloud.api.credentials import Credentials, Denied

_READS = re.compile(r"^(Describe|Get|List|Head|Batch[GD]et|Decode|Lookup|Search)")
_UNIMPLEMENTED = re.compile(rb"NotImplementedError[^<\n]*|[\w.]*\w+ (?:action|method)? ?has not been implemented")

WsgiApplication = Callable[..., Iterable[bytes]]


class Guard:
    """A WSGI application around moto's.

    Refuses what the caller's role may not do; turns moto's crashes into client errors that name the call, because an
    SDK retries server errors for minutes; logs call, status and time (never bodies); reports changes.
    """

    def __init__(
        self,
        application: WsgiApplication,
        credentials: Credentials,
        log: Path,
        writing: contextlib.AbstractContextManager[object],
        changed: Callable[[], None],
    ) -> None:
        self._application = application
        self._credentials = credentials
        self._log = log
        self._writing = writing
        self._changed = changed
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.monotonic()
        body = _read_body(environ)
        call = call_name(environ, body)
        try:
            self._credentials.authorize(environ.get("HTTP_AUTHORIZATION", ""), call, body)
        except Denied as denied:
            return self._refuse(environ, start_response, call, denied.code, str(denied), 403)
        answered: list[Any] = []

        def remember(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answered[:] = [status, headers]

        reads = bool(_READS.match(call.partition(":")[2]))
        try:
            # Changes one after the other: moto does not lock, and the account is saved between two of them.
            with contextlib.nullcontext() if reads else self._writing:
                content = b"".join(self._application(environ, remember))
        except Exception as crash:
            text = f"the sandbox's account could not carry out {call}: {type(crash).__name__}: {crash}"
            return self._refuse(environ, start_response, call, "SandboxNotModelled", text, 400)
        status, headers = answered
        if status.startswith("5"):
            reason = _UNIMPLEMENTED.search(content)
            said = reason[0].decode(errors="replace") if reason else content[:200].decode(errors="replace")
            text = f"the sandbox's account does not model {call}: {said}"
            return self._refuse(environ, start_response, call, "SandboxNotModelled", text, 400)
        self._note(call, status.split(" ")[0], started)
        # Without a length the end of the answer is the end of the connection, which a client takes for a broken one.
        headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        if environ["REQUEST_METHOD"] == "HEAD":
            start_response(status, answered[1])
        else:
            start_response(status, [*headers, ("Content-Length", str(len(content)))])
        if not reads:
            self._changed()
        return [content]

    def _refuse(
        self, environ: dict[str, Any], start_response: Callable[..., Any], call: str, code: str, text: str, status: int
    ) -> Iterable[bytes]:
        content_type = environ.get("CONTENT_TYPE", "")
        is_json = "json" in content_type
        body = (
            json.dumps({"__type": code, "message": text})
            if is_json
            else f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(text)}</Message></Error></Errors></Response>"
        )
        self._note(f"{call} {code}: {text}", str(status), time.monotonic())
        content = body.encode()
        headers = [("Content-Type", content_type or "text/xml"), ("Content-Length", str(len(content)))]
        start_response(f"{status} Refused", headers)
        return [content]

    def _note(self, call: str, status: str, started: float) -> None:
        line = f"{time.strftime('%H:%M:%S')} {status} {(time.monotonic() - started) * 1000:.0f}ms {call}\n"
        with self._lock, self._log.open("a") as log:
            log.write(line)


def call_name(environ: dict[str, Any], body: bytes) -> str:
    """`service:Action`; for REST services the action is made of method and path."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    service = scope[1] if scope else "unsigned"
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return f"{service}:{target.rpartition('.')[2]}"
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        action = parse_qs(body.decode("utf-8", "replace")).get("Action")
        if action:
            return f"{service}:{action[0]}"
    method = environ["REQUEST_METHOD"]
    verb = {"GET": "Get", "HEAD": "Head"}.get(method, method.capitalize())
    return f"{service}:{verb} {environ.get('PATH_INFO', '')}"


def _read_body(environ: dict[str, Any]) -> bytes:
    """The body, for looking at; the application reads it again. Large objects are left alone."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > 4 * 2**20:
        return b""
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
