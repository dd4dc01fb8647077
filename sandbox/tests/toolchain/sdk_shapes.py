"""Shapes of a Pulumi schema's properties, and of the same properties as an installed Python SDK has them.

A shape is a nested text: `string`, `list(string)`, `map(any)`, or `object` with its own properties compared apart.
"""

from __future__ import annotations

import importlib
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from pulumi import _types

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


class Differences:
    """Collects where a schema and an SDK disagree, walking from resources into the types that they use."""

    def __init__(self, schema: Mapping[str, Any], package: str) -> None:
        self.found: list[str] = []
        self.compared = 0
        self._schema = schema
        self._package = package
        self._walked: set[tuple[str, str]] = set()

    def resource(self, token: str) -> None:
        spec = self._schema["resources"][token]
        sdk = _member(self._package, token, "")
        if sdk is None:
            self.found.append(f"{token}: the SDK has no such resource")
            return
        # A nested type of the same name takes the plain name; the resource's arguments are called otherwise then.
        arguments = _member(self._package, token, "InitArgs") or _member(self._package, token, "Args")
        self._inputs(token, spec["inputProperties"], arguments)
        self._outputs(token, spec["properties"], sdk)

    def function(self, token: str) -> None:
        spec = self._schema["functions"][token]
        sdk = _member(self._package, token, "")
        if sdk is None:
            self.found.append(f"{token}: the SDK has no such function")
            return
        module, result = sdk.__module__, token.rpartition(":")[2][3:]
        results = getattr(importlib.import_module(module), f"Get{result}Result")
        outputs = spec.get("outputs", {}).get("properties", {})
        self._outputs(token, outputs, results)

    def _inputs(self, where: str, properties: Mapping[str, Any], sdk: Any) -> None:
        self._properties(f"{where} input", properties, _types.input_type_types(sdk))

    def _outputs(self, where: str, properties: Mapping[str, Any], sdk: Any) -> None:
        of_class = _types.output_type_types if _types.is_output_type(sdk) else _types.resource_types
        self._properties(f"{where} output", properties, of_class(sdk))

    def _properties(self, where: str, properties: Mapping[str, Any], types: Mapping[str, Any]) -> None:
        for name in sorted(properties.keys() - types.keys()):
            self.found.append(f"{where} {name}: the SDK has no such property")
        for name in sorted(types.keys() - properties.keys()):
            self.found.append(f"{where} {name}: the plugin has no such property")
        for name in sorted(types.keys() & properties.keys()):
            self.compared += 1
            ours, theirs = self._shape(properties[name]), _sdk_shape(types[name])
            if ours != theirs:
                self.found.append(f"{where} {name}: the plugin has {ours}, the SDK {theirs}")
                continue
            self._descend(where, properties[name], types[name])

    def _descend(self, where: str, spec: Mapping[str, Any], kind: Any) -> None:
        reference = next(_references(spec), None)
        if reference is None or reference.startswith("pulumi.json"):
            return
        sdk = next(_classes(kind))
        side = "input" if where.endswith("input") else "output"
        if (reference, side) in self._walked:
            return
        self._walked.add((reference, side))
        properties = self._schema["types"][reference]["properties"]
        if side == "input":
            self._inputs(reference, properties, sdk)
        else:
            self._outputs(reference, properties, sdk)

    def _shape(self, spec: Mapping[str, Any]) -> str:
        if "$ref" in spec:
            return "asset" if spec["$ref"].startswith("pulumi.json#/Asset") else "object"
        if spec.get("oneOf"):
            return self._shape(spec["oneOf"][0])
        if spec["type"] == "array":
            return f"list({self._shape(spec['items'])})"
        if spec["type"] == "object":
            return f"map({self._shape(spec.get('additionalProperties', {'type': 'string'}))})"
        return str(spec["type"])


def _member(package: str, token: str, suffix: str) -> Any:
    _, module, name = token.split(":")
    folder = module.split("/")[0]
    python = re.sub("(?<!^)([A-Z])", lambda found: f"_{found[1].lower()}", name) if name.startswith("get") else name
    found = importlib.import_module(package if folder == "index" else f"{package}.{folder}")
    return getattr(found, python + suffix, None)


def _sdk_shape(kind: Any) -> str:
    kind = _types.unwrap_type(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if origin in (Sequence, list):
        return f"list({_sdk_shape(arguments[0])})"
    if origin in (Mapping, dict):
        return f"map({_sdk_shape(arguments[1])})"
    if (origin is typing.Union and str in arguments) or (isinstance(kind, type) and issubclass(kind, Enum)):
        # An enumeration, or a document that may also be given as an object.
        return "string"
    return "asset" if "Asset" in str(kind) else "object"


def _references(spec: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in spec:
        yield spec["$ref"].removeprefix("#/types/")
    for inner in ("items", "additionalProperties"):
        if inner in spec:
            yield from _references(spec[inner])


def _classes(kind: Any) -> Iterator[Any]:
    kind = _types.unwrap_type(kind)
    arguments = typing.get_args(kind)
    if not arguments:
        yield kind
    else:
        yield from _classes(arguments[-1])
