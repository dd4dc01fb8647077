"""Instance metadata, version 2: what each machine may learn about itself, by the address that it asks from."""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox.web import server_on

TOKEN_TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN_HEADER = "X-aws-ec2-metadata-token"
_MAXIMUM_TTL_SECONDS = 21600

Tree = Mapping[str, "str | Tree"]


@dataclass(frozen=True)
class Identity:
    """What the service knows of one instance. `metadata` is the tree below meta-data/."""

    instance_id: str
    metadata: Tree
    user_data: bytes
    document: Mapping[str, object]
    token_required: bool
    hop_limit: int
    role: str | None


@dataclass
class _Tokens:
    lock: threading.Lock = field(default_factory=threading.Lock)
    issued: dict[str, tuple[str, float]] = field(default_factory=dict)

    def issue(self, instance_id: str, seconds: int) -> str:
        token = secrets.token_urlsafe(40)
        now = time.monotonic()
        with self.lock:
            self.issued = {t: entry for t, entry in self.issued.items() if entry[1] > now}
            self.issued[token] = (instance_id, now + seconds)
        return token

    def valid(self, token: str | None, instance_id: str) -> bool:
        with self.lock:
            owner, expires = self.issued.get(token or "", ("", 0.0))
        return owner == instance_id and expires > time.monotonic()


class MetadataService:
    """Serves on an open listening socket until `stop`.

    `identify` gives the instance behind a source address, or None; `credentials` the temporary credentials
    of a role as the service's JSON shows them.
    """

    def __init__(
        self,
        listener: socket.socket,
        identify: Callable[[str], Identity | None],
        credentials: Callable[[str, str], Mapping[str, str]],
    ) -> None:
        self._server = server_on(listener, _Application(identify, credentials))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="metadata", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True)
class _Application:
    identify: Callable[[str], Identity | None]
    credentials: Callable[[str, str], Mapping[str, str]]
    tokens: _Tokens = field(default_factory=_Tokens)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        caller = self.identify(request.remote_addr or "")
        if caller is None:
            return Response(status=404)(environ, start_response)
        environ["werkzeug.socket"].setsockopt(socket.IPPROTO_IP, socket.IP_TTL, caller.hop_limit)
        answer = self._token(request, caller) if request.method == "PUT" else self._answer(request, caller)
        return answer(environ, start_response)

    def _token(self, request: Request, caller: Identity) -> Response:
        seconds = request.headers.get(TOKEN_TTL_HEADER, "")
        if "X-Forwarded-For" in request.headers:
            return Response(status=403)
        if request.path != "/latest/api/token":
            return Response(status=404)
        if not seconds.isdigit() or not 1 <= int(seconds) <= _MAXIMUM_TTL_SECONDS:
            return Response(status=400)
        token = self.tokens.issue(caller.instance_id, int(seconds))
        return Response(token, headers={TOKEN_TTL_HEADER: seconds}, mimetype="text/plain")

    def _answer(self, request: Request, caller: Identity) -> Response:
        token = request.headers.get(TOKEN_HEADER)
        if (token or caller.token_required) and not self.tokens.valid(token, caller.instance_id):
            return Response(status=401)
        content = self._content(request.path, caller) if request.method == "GET" else None
        return Response(status=404) if content is None else Response(content, mimetype="text/plain")

    def _content(self, asked: str, caller: Identity) -> bytes | None:
        version, _, path = asked.lstrip("/").partition("/")
        if not version:
            return b"2009-04-04\n2021-03-23\nlatest"
        if version != "latest" and not version[:4].isdigit():
            return None
        if path.rstrip("/") == "user-data":
            return caller.user_data or None
        if path.startswith("dynamic/instance-identity"):
            document = {"document": json.dumps(caller.document, indent=2)}
            return _look_up(document, path.removeprefix("dynamic/instance-identity"))
        if not path:
            return b"dynamic\nmeta-data\nuser-data" if caller.user_data else b"dynamic\nmeta-data"
        if path.partition("/")[0] != "meta-data":
            return None
        return _look_up(self._with_credentials(asked, caller), path.removeprefix("meta-data"))

    def _with_credentials(self, asked: str, caller: Identity) -> Tree:
        if caller.role is None:
            return caller.metadata
        role = caller.role
        wanted = asked.rstrip("/").endswith(f"/security-credentials/{role}")
        issued = json.dumps(self.credentials(role, caller.instance_id), indent=2) if wanted else ""
        iam = caller.metadata.get("iam", {})
        known = iam if isinstance(iam, Mapping) else {}
        return {**caller.metadata, "iam": {**known, "security-credentials": {role: issued}}}


def _look_up(tree: Tree, path: str) -> bytes | None:
    """The value at a path, or the listing of a folder (its folders with a slash), or None."""
    node: str | Tree = tree
    for part in filter(None, path.split("/")):
        if isinstance(node, str) or part not in node:
            key = next((k for k in node if k.partition("=")[0] == part), None) if not isinstance(node, str) else None
            if key is None or isinstance(node, str):
                return None
            part = key
        node = node[part]
    if isinstance(node, str):
        return node.encode()
    return "\n".join(_listed(name, value) for name, value in node.items()).encode()


def _listed(name: str, value: str | Tree) -> str:
    return name if isinstance(value, str) or "=" in name else name + "/"
