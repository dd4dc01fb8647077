"""Who signs a request, and what their role lets them do."""

from __future__ import annotations

import datetime
import fnmatch
import json
import re
import secrets
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from moto.iam.models import iam_backends

OPERATOR_ACCESS_KEY = "AKIAQUORATEOPERATOR0"
_LIFE = datetime.timedelta(hours=6)


class Denied(Exception):
    """The request is refused; `code` is AWS's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Credentials:
    """The operator's fixed access key, which may do everything, and temporary keys of instance roles.

    Signatures are not verified: only this host can reach the API, and what is tested is who may do what.
    """

    def __init__(self, account: str, file: Path) -> None:
        self._account = account
        self._file = file
        self._lock = threading.Lock()
        self._roles: dict[str, tuple[str, str]] = json.loads(file.read_text()) if file.exists() else {}

    def issue(self, role: str, session: str) -> Mapping[str, str]:
        """Temporary credentials for `role`, as instance metadata shows them."""
        key = "ASIA" + secrets.token_hex(8).upper()
        now = datetime.datetime.now(datetime.UTC)
        with self._lock:
            self._roles = {k: v for k, v in self._roles.items() if v[1] > now.isoformat()}
            self._roles[key] = (role, (now + _LIFE).isoformat())
            self._file.touch(mode=0o600)
            self._file.write_text(json.dumps(self._roles))
        return {
            "Code": "Success",
            "LastUpdated": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Type": "AWS-HMAC",
            "AccessKeyId": key,
            "SecretAccessKey": secrets.token_urlsafe(30),
            "Token": secrets.token_urlsafe(120),
            "Expiration": (now + _LIFE).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def authorize(self, authorization: str, call: str, body: bytes) -> None:
        """Raises Denied where the signer may not make this call."""
        signer = re.search(r"Credential=([^/]+)/", authorization)
        if signer is None:
            raise Denied("MissingAuthenticationToken", f"{call} came without a signature")
        if signer[1] == OPERATOR_ACCESS_KEY:
            return
        with self._lock:
            role, expires = self._roles.get(signer[1], ("", ""))
        if not role:
            raise Denied("InvalidClientTokenId", "The security token included in the request is invalid.")
        if expires < datetime.datetime.now(datetime.UTC).isoformat():
            raise Denied("ExpiredToken", "The security token included in the request is expired")
        resources = [*_resources_of(call, body)] or ["*"]
        for resource in resources:
            if not allows(self._statements(role), call, resource):
                who = f"arn:aws:sts::{self._account}:assumed-role/{role}"
                raise Denied(
                    "AccessDeniedException", f"User: {who} is not authorized to perform: {call} on resource: {resource}"
                )

    def _statements(self, role: str) -> list[Mapping[str, Any]]:
        backend = iam_backends[self._account]["aws"]
        found = next((r for r in list(backend.roles.values()) if r.name == role), None)
        if found is None:
            return []
        documents = [document for document in found.policies.values()]
        documents += [policy.document for policy in found.managed_policies.values()]
        statements: list[Mapping[str, Any]] = []
        for document in documents:
            parsed = json.loads(document)["Statement"]
            statements += parsed if isinstance(parsed, list) else [parsed]
        return statements


def allows(statements: Iterable[Mapping[str, Any]], call: str, resource: str) -> bool:
    """IAM's rule for identity policies: an explicit Deny wins, else an Allow is needed. Conditions are not modelled."""
    verdict = False
    for statement in statements:
        if not _matches(statement.get("Action", []), call.lower(), lower=True):
            continue
        resource_named = _last_part(resource)
        patterns = statement.get("Resource", [])
        if not (
            _matches(patterns, resource)
            or any(
                _last_part(p) == "*" or fnmatch.fnmatchcase(resource_named, _last_part(p)) for p in _listed(patterns)
            )
        ):
            continue
        if statement["Effect"] == "Deny":
            return False
        verdict = True
    return verdict


def _matches(patterns: Any, value: str, lower: bool = False) -> bool:
    return any(fnmatch.fnmatchcase(value, p.lower() if lower else p) for p in _listed(patterns))


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _last_part(arn: str) -> str:
    return arn.split(":", 5)[-1]


def _resources_of(call: str, body: bytes) -> Iterable[str]:
    """The resources that a call names, as the last part of their ARN."""
    if call.startswith("ssm:") and "Parameter" in call:
        document = json.loads(body or b"{}")
        names = document.get("Names") or [document.get("Name") or document.get("Path") or "*"]
        for name in names:
            yield f"arn:aws:ssm:*:*:parameter{name if name.startswith('/') else '/' + name}"
