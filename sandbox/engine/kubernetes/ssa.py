"""Who owns which field of an object: the bookkeeping of server-side apply (metadata.managedFields). Pure."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.engine.kubernetes.diff import property_path
from sandbox.engine.kubernetes.objects import (
    MISSING,
    Object,
    lookup,
    name_of,
    namespace_of,
    remove_in,
    sequence,
    set_in,
    text,
)
from sandbox.engine.plugin.differences import Path

# Names under which kubectl and pulumi-kubernetes itself wrote before they used server-side apply.
_FORMER = frozenset(
    {
        ("kubectl", "Apply"), ("kubectl", "Update"), ("before-first-apply", "Update"), ("pulumi-kubernetes", "Update"),
        ("pulumi-kubernetes.exe", "Update"), ("pulumi-resource-kubernetes", "Update"),
    }
)  # fmt: skip


class IgnoredPathError(ValueError):
    """An ignoreChanges path that can't be honoured."""


def identity(obj: Mapping[str, Any]) -> Object:
    """The object with nothing but what names it: applied, it gives up every field that its manager owned."""
    metadata = {"name": name_of(obj)}
    if namespace_of(obj):
        metadata["namespace"] = namespace_of(obj)
    return {"apiVersion": text(obj.get("apiVersion")), "kind": text(obj.get("kind")), "metadata": metadata}


def takeover(live: Mapping[str, Any], manager: str) -> list[Any]:
    """JSON patch steps that make `manager` the applier of what it, or a former way of writing, created.

    Without it a field that was sent on creation and is left out later would stay. Empty when there is nothing to do.
    """
    entries = sequence(live, "metadata", "managedFields")
    mine = [entry for entry in entries if _is_mine(entry, manager)]
    applied = next((entry for entry in entries if _is_applier(entry, manager)), None)
    if not mine:
        return []
    fields: dict[str, Any] = {}
    for entry in (*([applied] if applied else []), *mine):
        fields = _union(fields, entry.get("fieldsV1") or {})
    kept = [entry for entry in entries if entry not in mine and entry is not applied]
    merged = {**(applied or mine[-1]), "manager": manager, "operation": "Apply", "fieldsV1": fields}
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": lookup(live, "metadata", "resourceVersion")},
        {"op": "replace", "path": "/metadata/managedFields", "value": [*kept, merged]},
    ]


def _is_applier(entry: Mapping[str, Any], manager: str) -> bool:
    return entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")


def _is_mine(entry: Mapping[str, Any], manager: str) -> bool:
    if entry.get("subresource") or _is_applier(entry, manager):
        return False
    written_by = (text(entry.get("manager")), text(entry.get("operation")))
    return written_by == (manager, "Update") or written_by in _FORMER


def _union(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(first)
    for key, value in second.items():
        below = result.get(key)
        result[key] = _union(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def ignore(inputs: Object, live: Mapping[str, Any], manager: str, paths: Iterable[Path]) -> None:
    """Leaves ignored fields as the cluster has them: dropped where others own them, else with the live value.

    Raises IgnoredPathError for a path into a list.
    """
    ours: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    for entry in sequence(live, "metadata", "managedFields"):
        fields = entry.get("fieldsV1") or {}
        if entry.get("manager") == manager:
            ours = _union(ours, fields)
        else:
            theirs = _union(theirs, fields)
    for path in paths:
        if not all(isinstance(step, str) and step != "*" for step in path):
            raise IgnoredPathError(
                f"ignoreChanges {property_path(path)!r}: places in lists can't be ignored with server-side apply; "
                "ignore the list as a whole"
            )
        steps = tuple(str(step) for step in path)
        owned = tuple(f"f:{step}" for step in steps)
        value = lookup(live, *steps)
        if lookup(theirs, *owned) is not MISSING and lookup(ours, *owned) is MISSING:
            remove_in(inputs, *steps)
        elif value is not MISSING:
            set_in(inputs, copy.deepcopy(value), *steps)
