"""Makes inputs that mean the same look the same, as the API server would store them. Pure."""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.engine.kubernetes.objects import (
    MISSING,
    Kind,
    Object,
    kind_of,
    lookup,
    name_of,
    prune,
    remove_in,
    set_in,
    walk,
)
from sandbox.engine.plugin.properties import Unknown

SERVER_OWNED = (
    "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
    "resourceVersion", "uid",
)  # fmt: skip

_SECRET = Kind("", "v1", "Secret")
_QUANTITY = re.compile(r"([+-]?[0-9.]+)(?:([eE][+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i))?")
_SCALE = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal(10**3), "M": Decimal(10**6),
    "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15), "E": Decimal(10**18), "Ki": Decimal(2**10),
    "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip
_QUANTITY_MAPS = frozenset(
    {"limits", "requests", "hard", "capacity", "allocatable", "max", "min", "default", "defaultRequest", "overhead"}
)
_QUANTITY_FIELDS = frozenset({"sizeLimit", "divisor", "storage", "averageValue"})


def has_unknowns(value: Any) -> bool:
    return any(isinstance(inner, Unknown) for inner in walk(value))


def is_crd(obj: Mapping[str, Any]) -> bool:
    kind = kind_of(obj)
    return kind.group == "apiextensions.k8s.io" and kind.kind == "CustomResourceDefinition"


def normalize(inputs: Mapping[str, Any]) -> Object:
    """A copy without what the server alone decides; a Secret's stringData becomes data, encoded."""
    result: Object = copy.deepcopy(dict(inputs))
    for field in SERVER_OWNED:
        remove_in(result, "metadata", field)
    if has_unknowns(result):
        return result
    if is_crd(result):
        result.pop("status", None)
        if lookup(result, "spec", "preserveUnknownFields") is False:
            remove_in(result, "spec", "preserveUnknownFields")
    if kind_of(result) == _SECRET:
        _encode_secret(result)
    return result


def _encode_secret(secret: Object) -> None:
    data = {key: _canonical_base64(value) for key, value in (secret.get("data") or {}).items()}
    for key, value in (secret.pop("stringData", None) or {}).items():
        if isinstance(value, str):
            data[key] = base64.b64encode(value.encode()).decode()
    if data:
        secret["data"] = data


def _canonical_base64(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64encode(base64.b64decode("".join(value.split()), validate=True)).decode()
    except ValueError:
        return value


def quantity(value: Any) -> Decimal | None:
    """A Kubernetes quantity as a number: "500m" is 0.5. None for what is none."""
    if isinstance(value, bool):
        return None
    match = _QUANTITY.fullmatch(str(value)) if isinstance(value, int | float | str) else None
    if match is None:
        return None
    try:
        return Decimal(match[1] + (match[2] or "")) * _SCALE.get(match[3] or "", Decimal(1))
    except InvalidOperation:
        return None


def _holds_quantity(path: tuple[str | int, ...]) -> bool:
    return bool(path) and (path[-1] in _QUANTITY_FIELDS or (len(path) > 1 and path[-2] in _QUANTITY_MAPS))


def same(old: Any, new: Any, path: tuple[str | int, ...] = ()) -> bool:
    """Whether two values are equal as JSON is, and quantities by their number."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if _holds_quantity(path):
        first, second = quantity(old), quantity(new)
        if first is not None and second is not None:
            return first == second
    return (type(old) in (int, float) and type(new) in (int, float) and old == new) or (
        type(old) is type(new) and old == new
    )


def is_dropped_when_empty(old_input: Any, new_input: Any) -> bool:
    """An empty value that was sent before and that the server didn't keep: sending it again changes nothing."""
    return new_input in ({}, []) and old_input is not MISSING and old_input == new_input


def as_inputs(live: Object) -> Object:
    """What a program would have written to get this object."""
    inputs = {key: value for key, value in prune(live, live).items() if key != "status"}
    for field in (*SERVER_OWNED, "selfLink"):
        remove_in(inputs, "metadata", field)
    for key in ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"):
        remove_in(inputs, "metadata", "annotations", key)
    if not inputs.get("metadata", {}).get("annotations", True):
        remove_in(inputs, "metadata", "annotations")
    set_in(inputs, name_of(live), "metadata", "name")
    return inputs
