"""Between the proxy and moto: who asks, may they, what came of it."""

from __future__ import annotations

import contextlib
import io
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sandbox.cloud.api.answers import Answer, Answers
from sandbox.cloud.api.calls import Call, call_of
from sandbox.cloud.api.credentials import Credentials
from sandbox.cloud.api.limits import CODE
from sandbox.cloud.api.refusals import Refused, error_body
from sandbox.cloud.api.validation import check

_UNIMPLEMENTED = re.compile(rb"[\w.]+(?: action| method)? (?:has not been|is not yet) implemented")
_LARGEST_BODY_BYTES = 4 * 2**20

WsgiApplication = Callable[..., Iterable[bytes]]


class Guard:
    """A WSGI application around moto's.

    Refuses what is not signed, what the caller's role may not do and what the service's model does not know; turns
    moto's crashes into client errors that name the call, because an SDK retries server errors for minutes; logs call,
    status and time, and never what a request or an answer holds; reports changes.
    """

    def __init__(
        self,
        application: WsgiApplication,
        credentials: Credentials,
        account: str,
        log: Path,
        whole: contextlib.AbstractContextManager[object],
        changed: Callable[[], None],
    ) -> None:
        self._application = application
        self._credentials = credentials
        self._account = account
        self._log = log
        self._whole = whole
        self._changed = changed
        self._answers = Answers()
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.monotonic()
        body = _read_body(environ)
        call = call_of(environ, body or b"", self._account)
        try:
            self._credentials.authenticate(environ, body, call)
            self._credentials.authorize(environ, call)
            check(environ, body, call)
        except Refused as refused:
            return self._refuse(start_response, call, started, refused)
        except Exception as crash:
            return self._refuse(start_response, call, started, _crashed(call, crash))
        invocation = None if call.reads else environ.get("HTTP_AMZ_SDK_INVOCATION_ID")
        earlier = self._answers.earlier(invocation)
        if earlier:
            self._note(call, earlier.status.split(" ")[0], started, " asked again: the first answer was lost")
            start_response(earlier.status, earlier.headers)
            return [earlier.content]
        answered: list[Any] = []

        def remember(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answered[:] = [status, headers]

        try:
            # One after the other: moto does not lock, a change under a reader's loop is a crash, and the account is
            # saved between two requests. Answers take milliseconds.
            with self._whole:
                content = b"".join(self._application(environ, remember))
        except Exception as crash:
            return self._refuse(start_response, call, started, _crashed(call, crash))
        status, headers = answered
        if status.startswith("5"):
            reason = _UNIMPLEMENTED.search(content)
            said = reason[0].decode() if reason else "moto failed"
            text = f"the sandbox's account does not model {call.name}: {said}"
            return self._refuse(start_response, call, started, Refused(CODE, text, noted=said))
        self._note(call, status.split(" ")[0], started)
        # Without a length the end of the answer is the end of the connection, which a client takes for a broken one.
        if environ["REQUEST_METHOD"] != "HEAD":
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
            headers.append(("Content-Length", str(len(content))))
        if status.startswith("2"):
            self._answers.keep(invocation, Answer(status, headers, content))
        start_response(status, headers)
        if not call.reads:
            self._changed()
        return [content]

    def _refuse(
        self, start_response: Callable[..., Any], call: Call, started: float, refused: Refused
    ) -> Iterable[bytes]:
        self._note(call, str(refused.status), started, f" {refused.code}: {refused.noted}")
        content = error_body(call, refused.code, str(refused)).encode()
        content_type = "application/x-amz-json-1.1" if call.speaks_json else "text/xml"
        headers = [("Content-Type", content_type), ("Content-Length", str(len(content)))]
        start_response(f"{refused.status} Refused", headers)
        return [content]

    def _note(self, call: Call, status: str, started: float, more: str = "") -> None:
        took = (time.monotonic() - started) * 1000
        line = f"{time.strftime('%H:%M:%S')} {status} {took:.0f}ms {call.name}{more}\n"
        with self._lock, self._log.open("a") as log:
            log.write(line)


def _crashed(call: Call, crash: Exception) -> Refused:
    text = f"the sandbox's account could not carry out {call.name}: {type(crash).__name__}: {crash}"
    # The exception's own text may hold what the request held.
    place = traceback.extract_tb(crash.__traceback__)[-1]
    noted = f"{type(crash).__name__} in {place.name}, {Path(place.filename).name}:{place.lineno}"
    return Refused(CODE, text, noted=noted)


def _read_body(environ: dict[str, Any]) -> bytes | None:
    """The body, for looking at; the application reads it again. None where it is large, or its length is not said."""
    length = environ.get("CONTENT_LENGTH") or ("" if "HTTP_TRANSFER_ENCODING" in environ else "0")
    if not length.isdigit() or int(length) > _LARGEST_BODY_BYTES:
        return None
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
