"""IAM's rule for the policies of identities and of resources, for what the sandbox models of them (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.cloud.api.conditions import Facts, NotModelled, holds, wildcards

_MODELLED = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


def statements_of(documents: Iterable[str]) -> list[Mapping[str, Any]]:
    """All statements of policy documents in JSON."""
    found: list[Mapping[str, Any]] = []
    for document in documents:
        statements = json.loads(document)["Statement"]
        found += statements if isinstance(statements, list) else [statements]
    return found


def allows(statements: Iterable[Mapping[str, Any]], action: str, resource: str, facts: Facts) -> bool:
    """An explicit Deny wins, else an Allow is needed. `action` is `service:Action`, `resource` an ARN or `*`.

    Raises NotModelled where the answer would hang on what is not judged here.
    """
    allowed = False
    for statement in statements:
        if not _about(statement, "Action", action, ignore_case=True):
            continue
        if unknown := statement.keys() - _MODELLED:
            raise NotModelled(
                f"the sandbox does not judge {', '.join(sorted(unknown))} in a policy statement about {action}"
            )
        if not _about(statement, "Resource", resource) or not holds(statement.get("Condition", {}), facts):
            continue
        if statement["Effect"] == "Deny":
            return False
        allowed = True
    return allowed


def denies(statements: Iterable[Mapping[str, Any]], action: str, resource: str, facts: Facts) -> bool:
    """Whether a statement of a resource's own policy denies this to everybody.

    Raises NotModelled where the answer would hang on a statement of another kind.
    """
    for statement in statements:
        if not _about(statement, "Action", action, ignore_case=True) or not _about(statement, "Resource", resource):
            continue
        everybody = statement.get("Principal") in ("*", {"AWS": "*"})
        if statement["Effect"] != "Deny" or not everybody or statement.keys() - _MODELLED - {"Principal"}:
            raise NotModelled(
                f"the sandbox judges a resource's policy about {action} only where it denies to everybody"
            )
        if holds(statement.get("Condition", {}), facts):
            return True
    return False


def _about(statement: Mapping[str, Any], element: str, value: str, ignore_case: bool = False) -> bool:
    """Whether the value is one that the statement's `Action` or `Resource` names, or its `NotAction` does not."""
    if f"Not{element}" in statement:
        return not _matches(statement[f"Not{element}"], value, ignore_case)
    return _matches(statement.get(element, []), value, ignore_case)


def _matches(patterns: str | list[str], value: str, ignore_case: bool) -> bool:
    told = [patterns] if isinstance(patterns, str) else patterns
    return any(wildcards(pattern, value, ignore_case) for pattern in told)
