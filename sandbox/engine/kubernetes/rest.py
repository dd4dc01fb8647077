"""HTTP to one API server: TLS, identification, proxies, and the server's Status answers as errors."""

from __future__ import annotations

import base64
import json
import os
import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3

from sandbox.engine.kubernetes.kubeconfig import Connection, KubeconfigError
from sandbox.engine.kubernetes.proxy import proxy_for

CONNECT_SECONDS = 30.0
# An API server gives up on a request after 60 s, and ends a watch when it was asked to.
ANSWER_SECONDS = 90.0
USER_AGENT = "pulumi-kubernetes/4.34.2"


class UnreachableError(Exception):
    """The API server did not answer; the message names it and the cause."""


class ApiError(Exception):
    """The API server refused: HTTP code, the Status's reason, message and details."""

    def __init__(self, code: int, reason: str, message: str, details: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details

    @property
    def not_found(self) -> bool:
        return self.code == 404

    @property
    def namespace_missing(self) -> bool:
        return self.code == 404 and self.details.get("kind") == "namespaces"

    @property
    def field_immutable(self) -> bool:
        return self.code == 422 and "field is immutable" in str(self)


class RateLimit:
    """At most `burst` requests at once and `qps` a second after that."""

    def __init__(self, qps: float, burst: int) -> None:
        self._qps, self._burst = qps, max(burst, 1)
        self._tokens = float(self._burst)
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> None:
        with self._lock:
            now = time.monotonic()
            self._tokens = min(float(self._burst), self._tokens + (now - self._at) * self._qps) - 1
            self._at = now
            wait = -self._tokens / self._qps if self._tokens < 0 else 0.0
        if wait:
            time.sleep(wait)


def _context(connection: Connection) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=connection.authority.decode() or None)
    except (ssl.SSLError, UnicodeDecodeError):
        raise KubeconfigError("certificate-authority-data of the kubeconfig holds no PEM certificate") from None
    if connection.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if connection.certificate:
        # OpenSSL reads certificates from files only: a file in memory keeps the key off the disk.
        descriptor = os.memfd_create("client-certificate")
        try:
            os.write(descriptor, connection.certificate.rstrip() + b"\n" + connection.key)
            context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        except ssl.SSLError:
            raise KubeconfigError("client-certificate and client-key of the kubeconfig don't belong together") from None
        finally:
            os.close(descriptor)
    return context


def _identification(connection: Connection) -> dict[str, str]:
    headers = {"User-Agent": USER_AGENT}
    if connection.token:
        headers["Authorization"] = f"Bearer {connection.token}"
    elif connection.username:
        encoded = base64.b64encode(f"{connection.username}:{connection.password}".encode()).decode()
        headers["Authorization"] = f"Basic {encoded}"
    if connection.impersonate:
        headers["Impersonate-User"] = connection.impersonate
    return headers


class Rest:
    """A thread-safe client of one API server."""

    def __init__(self, connection: Connection, *, timeout: float | None = None, limit: RateLimit | None = None) -> None:
        self.server = connection.server
        self._limit = limit
        self._headers = _identification(connection)
        self._timeout = timeout
        options: dict[str, Any] = {"maxsize": 32, "retries": False}
        if connection.server.startswith("https://"):
            options["ssl_context"] = _context(connection)
            if connection.tls_server_name:
                options["server_hostname"] = connection.tls_server_name
        proxy = connection.proxy or proxy_for(connection.server, os.environ)
        self._pool = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Any:
        """The decoded JSON answer. Raises ApiError and UnreachableError."""
        response = self._send(method, path, query, body, content_type, stream=False)
        return self._decoded(response.status, response.data, method, path)

    def stream(self, path: str, query: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """An open answer to read line by line; `shutdown()` ends a read in another thread."""
        response = self._send("GET", path, query, None, "application/json", stream=True)
        if response.status >= 400:
            self._decoded(response.status, response.read(), "GET", path)
        return response

    def _send(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Any, content_type: str, *, stream: bool
    ) -> urllib3.BaseHTTPResponse:
        if self._limit:
            self._limit.take()
        headers = {**self._headers, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
        read = ANSWER_SECONDS if stream else self._timeout or ANSWER_SECONDS
        try:
            return self._pool.request(
                method,
                f"{self.server}{path}" + (f"?{urlencode(query)}" if query else ""),
                headers=headers,
                body=None if body is None else json.dumps(body).encode(),
                preload_content=not stream,
                timeout=urllib3.Timeout(connect=self._timeout or CONNECT_SECONDS, read=read),
                # Only what the server itself asks to repeat later (429, 503 with Retry-After).
                retries=urllib3.Retry(total=5, connect=0, read=0, redirect=0, other=0, allowed_methods=None),
            )
        except urllib3.exceptions.HTTPError as error:
            raise UnreachableError(f"{method} {self.server}{path}: {_cause(error)}") from None

    def _decoded(self, code: int, data: bytes, method: str, path: str) -> Any:
        try:
            document = json.loads(data) if data else {}
        except ValueError:
            document = {}
        if code < 400:
            return document
        status = document if isinstance(document, dict) and document.get("kind") == "Status" else {}
        message = status.get("message") or data[:300].decode(errors="replace").strip() or f"HTTP status {code}"
        if not status:
            message = f"{method} {self.server}{path}: HTTP status {code}: {message}"
        raise ApiError(code, str(status.get("reason") or ""), str(message), status.get("details") or {})


def _cause(error: BaseException) -> str:
    """The innermost reason of urllib3's nested errors."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _cause(reason)
    return str(error).rpartition(">: ")[2] or str(error)
