"""IAM's rule for identity policies, for what the sandbox models of it (pure)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

_MODELLED = {"Sid", "Effect", "Action", "Resource"}


class NotModelled(Exception):
    """A policy says something that is not judged here; the message names it."""


def statements_of(documents: Iterable[str]) -> list[Mapping[str, Any]]:
    """All statements of policy documents in JSON."""
    found: list[Mapping[str, Any]] = []
    for document in documents:
        statements = json.loads(document)["Statement"]
        found += statements if isinstance(statements, list) else [statements]
    return found


def allows(statements: Iterable[Mapping[str, Any]], action: str, resource: str) -> bool:
    """An explicit Deny wins, else an Allow is needed. `action` is `service:Action`, `resource` an ARN or `*`.

    Raises NotModelled where the answer would hang on a condition or an exclusion.
    """
    allowed = False
    for statement in statements:
        if "NotAction" not in statement and not _matches(statement.get("Action", []), action, ignore_case=True):
            continue
        if unknown := statement.keys() - _MODELLED:
            raise NotModelled(
                f"the sandbox does not judge {', '.join(sorted(unknown))} in a policy statement about {action}"
            )
        if not _matches(statement.get("Resource", []), resource):
            continue
        if statement["Effect"] == "Deny":
            return False
        allowed = True
    return allowed


def _matches(patterns: str | list[str], value: str, ignore_case: bool = False) -> bool:
    flags = re.IGNORECASE if ignore_case else re.NOFLAG
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value, flags | re.DOTALL)
        for pattern in ([patterns] if isinstance(patterns, str) else patterns)
    )
