"""Inputs checked against the tables: types, what is required, defaults, secrets. Messages are the original's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.engine.command.schema import OBJECT_TYPES, ObjectType, Property
from sandbox.engine.plugin.properties import (
    Archive,
    Asset,
    Properties,
    ResourceReference,
    Secret,
    Unknown,
    Value,
    secret,
)

_GO_TYPES = {
    "string": "string", "boolean": "bool", "integer": "int", "number": "float64",
    "strings": "[]string", "string map": "map[string]string", "anything": "[]interface {}",
    "asset or archive": "types.AssetOrArchive",
}  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """Something wrong with an input; `property` is its name."""

    property: str
    reason: str


def check(expected: ObjectType, given: Mapping[str, Value], defaults: bool = True) -> tuple[Properties, list[Failure]]:
    """The inputs as the resource gets them, and everything that is wrong with them."""
    failures = list(_failures(expected, given))
    if failures:
        return dict(given), failures
    return _complete(expected, given, defaults), []


def _complete(expected: ObjectType, given: Mapping[str, Value], defaults: bool) -> Properties:
    complete: Properties = {}
    for property in expected.properties:
        value = given.get(property.name)
        if value is None and defaults and property.default is not None:
            value = float(property.default) if type(property.default) is int else property.default
        if value is None:
            continue
        value = _complete_nested(property, value, defaults)
        complete[property.name] = secret(value) if property.secret else value
    return complete


def _complete_nested(property: Property, value: Value, defaults: bool) -> Value:
    if isinstance(value, Secret):
        return secret(_complete_nested(property, value.value, defaults))
    nested = OBJECT_TYPES.get(property.type)
    if nested is not None and isinstance(value, dict):
        return _complete(nested, value, defaults)
    return value


def _failures(expected: ObjectType, given: Mapping[str, Value]) -> list[Failure]:
    failures = []
    for property in expected.properties:
        value = given.get(property.name)
        if value is None:
            if property.required:
                reason = f"Missing required field '{property.name}' on '{expected.go_name}'"
                failures.append(Failure(property.name, reason))
        else:
            wrong = _wrong(expected, property, property.name, property.type, value)
            failures += [wrong] if wrong else []
    known = {property.name for property in expected.properties}
    failures += [
        Failure(name, f"Unrecognized field '{name}' on '{expected.go_name}'") for name in given if name not in known
    ]
    return failures


def _wrong(owner: ObjectType, property: Property, at: str, type_name: str, value: Value) -> Failure | None:
    if isinstance(value, Secret):
        return _wrong(owner, property, at, type_name, value.value)
    if isinstance(value, Unknown) or (type_name == "anything" and isinstance(value, list)):
        return None
    nested = OBJECT_TYPES.get(type_name)
    if nested is not None and isinstance(value, dict):
        inner = _failures(nested, value)
        if not inner:
            return None
        listed = "".join(f"\n\t{failure.property}: {failure.reason}" for failure in inner)
        short = owner.go_name.split(".")[-1]
        message = f"An error occurred decoding '{short}.{at}': {len(inner)} failures decoding:{listed}"
        return Failure(property.name, message)
    if type_name == "strings" and isinstance(value, list):
        items = (_wrong(owner, property, f"{at}[{index}]", "string", item) for index, item in enumerate(value))
        return next((wrong for wrong in items if wrong), None)
    if type_name == "string map" and isinstance(value, dict):
        entries = (_wrong(owner, property, f"{at}[{key}] value", "string", item) for key, item in value.items())
        return next((wrong for wrong in entries if wrong), None)
    if _fits(type_name, value):
        return None
    wanted = _GO_TYPES.get(type_name) or type_name.replace("command:", "").replace(":", ".")
    reason = f"Field '{at}' on '{owner.go_name}' must be a '{wanted}'; got '{_go_type(value)}' instead"
    return Failure(property.name, reason)


def _fits(type_name: str, value: Value) -> bool:
    if type_name == "boolean":
        return isinstance(value, bool)
    if type_name in ("integer", "number"):
        return isinstance(value, float)
    if type_name == "asset or archive":
        return isinstance(value, (Asset, Archive))
    # What is left are strings and enums; like the original, any text passes as a member of an enum.
    return isinstance(value, str)


def _go_type(value: Value) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, float):
        return "float64"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "[]interface {}"
    if isinstance(value, ResourceReference):
        return "resource.ResourceReference"
    return "map[string]interface {}"
