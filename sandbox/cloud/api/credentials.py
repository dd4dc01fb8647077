"""Who signs a request, and whether their role lets them make it."""

from __future__ import annotations

import datetime
import json
import os
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path

from moto.iam.models import iam_backends

from sandbox.cloud.api.authorization import NotModelled, allows, statements_of
from sandbox.cloud.api.calls import Call
from sandbox.cloud.api.operator import OPERATOR_ACCESS_KEY

_LIFE = datetime.timedelta(hours=6)
_SAME_FOR = datetime.timedelta(hours=1)
_UNKNOWN_KEY = {
    "ec2": "AuthFailure",
    "s3": "InvalidAccessKeyId",
    "sts": "InvalidClientTokenId",
    "iam": "InvalidClientTokenId",
}
_DENIED = {"ec2": "UnauthorizedOperation"}
_ALWAYS_ALLOWED = {"sts:GetCallerIdentity"}


class Denied(Exception):
    """The request is refused; `code` is AWS's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Credentials:
    """The operator's fixed access key, which may do everything, and temporary keys of instance roles.

    Signatures are not verified: only this host can reach the API, and what is tested is who may do what. `file` holds
    the keys that are valid, so that machines outlive a restart; their secrets are not kept.
    """

    def __init__(self, account: str, file: Path) -> None:
        self._account = account
        self._file = file
        self._lock = threading.Lock()
        self._issued: dict[tuple[str, str], tuple[datetime.datetime, Mapping[str, str]]] = {}
        self._roles: dict[str, tuple[str, str]] = json.loads(file.read_text()) if file.exists() else {}

    def issue(self, role: str, session: str) -> Mapping[str, str]:
        """Temporary credentials for `role`, as instance metadata shows them: the same ones for an hour."""
        now = datetime.datetime.now(datetime.UTC)
        with self._lock:
            made, issued = self._issued.get((role, session), (now, {}))
            if not issued or made < now - _SAME_FOR:
                issued = self._new(role, session, now)
                self._issued[role, session] = (now, issued)
            return issued

    def _new(self, role: str, session: str, now: datetime.datetime) -> Mapping[str, str]:
        key = "ASIA" + secrets.token_hex(8).upper()
        self._roles = {k: v for k, v in self._roles.items() if v[1] > now.isoformat()}
        self._roles[key] = (f"{role}/{session}", (now + _LIFE).isoformat())
        with os.fdopen(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._roles, file)
        return {
            "Code": "Success",
            "LastUpdated": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Type": "AWS-HMAC",
            "AccessKeyId": key,
            "SecretAccessKey": secrets.token_urlsafe(30),
            "Token": secrets.token_urlsafe(120),
            "Expiration": (now + _LIFE).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def authorize(self, call: Call) -> None:
        """Raises Denied where the signer may not make this call."""
        if call.signer is None:
            raise Denied("MissingAuthenticationToken", f"{call.name}: the request is not signed")
        if call.signer == OPERATOR_ACCESS_KEY:
            return
        with self._lock:
            session, expires = self._roles.get(call.signer, ("", ""))
        if not session:
            code = _UNKNOWN_KEY.get(call.service, "UnrecognizedClientException")
            raise Denied(code, "The security token included in the request is invalid.")
        if expires < datetime.datetime.now(datetime.UTC).isoformat():
            raise Denied("ExpiredTokenException", "The security token included in the request is expired")
        self._require_permission(session, call)

    def _require_permission(self, session: str, call: Call) -> None:
        action = f"{call.service}:{call.action}"
        if action in _ALWAYS_ALLOWED:
            return
        who = f"arn:aws:sts::{self._account}:assumed-role/{session}"
        statements = statements_of(self._policies(session.partition("/")[0]))
        for resource in call.resources:
            try:
                allowed = allows(statements, action, resource)
            except NotModelled as gap:
                raise Denied("SandboxNotModelled", f"{who}: {gap}") from None
            if not allowed:
                code = _DENIED.get(call.service, "AccessDeniedException" if call.speaks_json else "AccessDenied")
                text = f"User: {who} is not authorized to perform: {action} on resource: {resource}"
                raise Denied(code, f"{text} because no identity-based policy allows the {action} action")

    def _policies(self, role: str) -> list[str]:
        found = next((r for r in list(iam_backends[self._account]["aws"].roles.values()) if r.name == role), None)
        if found is None:
            return []
        return [*found.policies.values(), *(policy.document for policy in found.managed_policies.values())]
