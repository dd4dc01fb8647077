"""Readiness by annotation (`pulumi.com/waitFor`), for kinds that nobody knows beforehand. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.engine.kubernetes.awaiting.verdict import DEFAULT_SECONDS, Snapshot, Verdict
from sandbox.engine.kubernetes.awaiting.workloads import observed
from sandbox.engine.kubernetes.objects import MISSING, Kind, Object, condition, lookup, sequence, text

WAIT_FOR = "pulumi.com/waitFor"
_JSON_PATH = re.compile(r"jsonpath=\{?((?:\.[A-Za-z0-9_-]+|\[\d+\]|\['[^']+'\])+)\}?(?:=(.*))?", re.DOTALL)
_PATH_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]|\['([^']+)'\]")


class WaitForError(ValueError):
    """An annotation that says nothing that this plugin can wait for."""


@dataclass(frozen=True)
class WaitFor:
    """Every expression of the annotation holds."""

    expressions: tuple[str, ...]
    watched: tuple[Kind, ...] = ()
    seconds: float = DEFAULT_SECONDS

    def judge(self, snapshot: Snapshot) -> Verdict:
        missing = [problem for entry in self.expressions if (problem := _unmet(entry, snapshot.obj))]
        return Verdict(not missing, missing[0] if missing else "", tuple(missing))


def parse_wait_for(value: str) -> WaitFor:
    """One expression, or a JSON list of them: `condition=Type[=Status]` or `jsonpath={.path}[=value]`."""
    try:
        decoded = json.loads(value)
    except ValueError:
        decoded = value
    expressions = decoded if isinstance(decoded, list) else [value]
    if not expressions:
        raise WaitForError(f"{WAIT_FOR}: at least one condition must be specified")
    for entry in expressions:
        if not isinstance(entry, str) or not entry.startswith(("jsonpath=", "condition=")):
            raise WaitForError(f'{WAIT_FOR}: expected a "jsonpath=" or "condition=" prefix, got {entry!r}')
        if entry.startswith("jsonpath=") and not _JSON_PATH.fullmatch(entry):
            raise WaitForError(
                f"{WAIT_FOR}: {entry!r}: this stand-in for pulumi-kubernetes reads fields and places in lists only, "
                "as in jsonpath={.status.phase}=Running"
            )
    return WaitFor(tuple(expressions))


def _unmet(expression: str, obj: Object) -> str:
    """What is missing; "" when the expression holds."""
    if expression.startswith("condition="):
        _, kind, *rest = expression.split("=", 2)
        wanted = rest[0] if rest else "True"
        found = text(condition(obj, kind).get("status")) or "not there yet"
        return "" if found.lower() == wanted.lower() else f"Waiting for condition {kind} to be {wanted} (it is {found})"
    match = _JSON_PATH.fullmatch(expression)
    if match is None:
        return f"{expression}: not a path"
    value = _at(obj, match[1])
    if value is MISSING:
        return f"Waiting for {match[1]} to be set"
    if match[2] is not None and _shown(value) != match[2]:
        return f"Waiting for {match[1]} to be {match[2]} (it is {_shown(value)})"
    return ""


def _at(value: Any, path: str) -> Any:
    for name, index, quoted in _PATH_STEP.findall(path):
        if index:
            place = int(index)
            value = value[place] if isinstance(value, list) and place < len(value) else MISSING
        else:
            value = lookup(value, name or quoted)
        if value is MISSING:
            return MISSING
    return value


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def judge_anything(obj: Object) -> Verdict:
    """For every kind, when PULUMI_K8S_AWAIT_ALL asks for it: the controller has caught up and reports no trouble."""
    if lookup(obj, "status", "observedGeneration") is not MISSING and not observed(obj):
        return Verdict(False, "Waiting for the controller to observe the new generation")
    for entry in sequence(obj, "status", "conditions"):
        if not isinstance(entry, Mapping):
            continue
        kind, status, message = text(entry.get("type")), entry.get("status"), text(entry.get("message"))
        if (kind == "Ready" and status != "True") or (kind in ("Reconciling", "Stalled") and status == "True"):
            return Verdict(
                False, message or f"Waiting for readiness ({kind} is {status})", (message,) if message else ()
            )
    return Verdict(True)
