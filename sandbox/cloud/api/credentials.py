"""Who signs a request, and whether their role lets them make it."""

from __future__ import annotations

import datetime
import json
import os
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from moto.iam.models import iam_backends

from sandbox.cloud.api.authorization import allows, statements_of
from sandbox.cloud.api.calls import Call
from sandbox.cloud.api.condition_keys import RoleFacts
from sandbox.cloud.api.conditions import NotModelled
from sandbox.cloud.api.limits import CODE as NOT_MODELLED
from sandbox.cloud.api.operator import OPERATOR_ACCESS_KEY, OPERATOR_SECRET_KEY
from sandbox.cloud.api.refusals import Refused
from sandbox.cloud.api.signatures import Mismatch, signature_of
from sandbox.cloud.api.storage_permissions import denied_by_bucket, key_asked

_LIFE = datetime.timedelta(hours=6)
_SAME_FOR = datetime.timedelta(hours=1)
_DENIED = {"ec2": "UnauthorizedOperation"}
_ALWAYS_ALLOWED = {"sts:GetCallerIdentity"}
_BAD_SIGNATURE = "SignatureDoesNotMatch"
# What each service says of a key that it does not know and of a token of another key, of one that is no longer good,
# and of a signature that does not fit, is too old, or is for another region or service.
_CODES = {
    "json": {
        "key": "UnrecognizedClientException",
        "expired": "ExpiredTokenException",
        **dict.fromkeys(("signature", "time", "scope", "body"), "InvalidSignatureException"),
    },
    "ec2": {"expired": "RequestExpired"},
    "s3": {
        "key": "InvalidAccessKeyId",
        "token": "InvalidToken",
        "expired": "ExpiredToken",
        "signature": _BAD_SIGNATURE,
        "time": "RequestTimeTooSkewed",
        "scope": "AuthorizationHeaderMalformed",
        "body": "XAmzContentSHA256Mismatch",
        "denied": "AccessDenied",
        "parameters": "AuthorizationQueryParametersError",
        "both": "InvalidArgument",
    },
    "query": {
        "key": "InvalidClientTokenId",
        "expired": "ExpiredToken",
        **dict.fromkeys(("signature", "time", "scope", "body"), _BAD_SIGNATURE),
    },
}
_MALFORMED = {"parameters", "both"}
# EC2 does not say why.
_EC2_SAYS = "AWS was not able to validate the provided access credentials"


class _Key(NamedTuple):
    """`session` is the role's name and the session's; `expires` is ISO 8601."""

    session: str
    expires: str
    secret: str
    token: str


_OPERATOR = _Key("", "9999", OPERATOR_SECRET_KEY, "")


class Credentials:
    """The operator's fixed access key, which may do everything, and temporary keys of instance roles.

    `file` holds the keys that are valid, with their secrets, so that machines outlive a restart.
    """

    def __init__(self, account: str, file: Path) -> None:
        self._account = account
        self._file = file
        self._lock = threading.Lock()
        self._issued: dict[tuple[str, str], tuple[datetime.datetime, Mapping[str, str]]] = {}
        kept = json.loads(file.read_text()) if file.exists() else {}
        self._keys: dict[str, _Key] = {key: _Key(*told) for key, told in kept.items() if len(told) == len(_Key._fields)}

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
        name = "ASIA" + secrets.token_hex(8).upper()
        expires = (now + _LIFE).isoformat()
        key = _Key(f"{role}/{session}", expires, secrets.token_urlsafe(30), secrets.token_urlsafe(120))
        self._keys = {k: v for k, v in self._keys.items() if v.expires > now.isoformat()} | {name: key}
        with os.fdopen(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._keys, file)
        return {
            "Code": "Success",
            "LastUpdated": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Type": "AWS-HMAC",
            "AccessKeyId": name,
            "SecretAccessKey": key.secret,
            "Token": key.token,
            "Expiration": (now + _LIFE).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def authenticate(self, environ: Mapping[str, Any], body: bytes | None, call: Call) -> None:
        """Raises Refused where the request is not signed by a key that is valid. `body` is None where it is large."""
        signature = signature_of(environ)
        if signature is None:
            raise Refused("MissingAuthenticationToken", f"{call.name}: the request is not signed", 403)
        key = self._key(signature.key)
        if key is None:
            raise _refused(call, "key", "The security token included in the request is invalid.")
        try:
            signature.verify(environ, body, key.secret)
        except Mismatch as mismatch:
            raise _refused(call, mismatch.kind, str(mismatch)) from None
        if signature.token != key.token:
            raise _refused(call, "token", "The security token included in the request is invalid.")
        if key.expires < datetime.datetime.now(datetime.UTC).isoformat():
            raise _refused(call, "expired", "The security token included in the request is expired")

    def authorize(self, environ: Mapping[str, Any], call: Call) -> None:
        """Raises Refused where the signer may not make this call, or nobody may."""
        if call.service == "s3" and denied_by_bucket(self._account, environ, call):
            text = f"the policy of the bucket denies s3:{call.action} on {', '.join(call.resources)} to everybody"
            raise Refused("AccessDenied", f"{text}: explicit deny in a resource-based policy", 403)
        if call.signer != OPERATOR_ACCESS_KEY and (key := self._key(call.signer or "")):
            self._require_permission(key.session, environ, call)

    def _key(self, name: str) -> _Key | None:
        with self._lock:
            return _OPERATOR if name == OPERATOR_ACCESS_KEY else self._keys.get(name)

    def _require_permission(self, session: str, environ: Mapping[str, Any], call: Call) -> None:
        action = f"{call.service}:{call.action}"
        if action in _ALWAYS_ALLOWED:
            return
        who = f"arn:aws:sts::{self._account}:assumed-role/{session}"
        name, _, instance = session.partition("/")
        role = next((r for r in list(iam_backends[self._account]["aws"].roles.values()) if r.name == name), None)
        statements = statements_of(_policies(role))
        beside = key_asked(self._account, environ, call) if call.service == "s3" else None
        for action, resource in [*((action, resource) for resource in call.resources), *([beside] if beside else [])]:
            facts = RoleFacts(self._account, role, instance, environ, call, resource)
            try:
                allowed = allows(statements, action, resource, facts)
            except NotModelled as gap:
                raise Refused(NOT_MODELLED, f"{who}: {gap}") from None
            if not allowed:
                code = _DENIED.get(call.service, "AccessDeniedException" if call.speaks_json else "AccessDenied")
                text = f"User: {who} is not authorized to perform: {action} on resource: {resource}"
                raise Refused(
                    code, f"{text} because no identity-based policy allows the {action} action", _status(call)
                )


def _policies(role: Any) -> list[str]:
    if role is None:
        return []
    return [*role.policies.values(), *(policy.document for policy in role.managed_policies.values())]


def _refused(call: Call, kind: str, message: str) -> Refused:
    if call.service == "ec2":
        return Refused(_CODES["ec2"].get(kind, "AuthFailure"), _EC2_SAYS, 401, noted=message)
    codes = _CODES["json" if call.speaks_json else "s3" if call.service == "s3" else "query"]
    return Refused(codes.get(kind) or codes["key"], message, 400 if kind in _MALFORMED else _status(call))


def _status(call: Call) -> int:
    return 400 if call.speaks_json else 403
