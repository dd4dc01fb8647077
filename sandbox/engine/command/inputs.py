"""Inputs against the schema: what is refused, and what is filled in. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import CheckFailure
from pulumi.runtime.rpc import UNKNOWN

from sandbox.engine.command.schema import REMOTE, Form, inputs_of, resolved

Properties = Mapping[str, PropertyValue]

_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "string": str, "boolean": bool, "number": float, "integer": float, "array": tuple, "object": Mapping,
}  # fmt: skip


def check(token: str, given: Properties) -> tuple[dict[str, PropertyValue], list[CheckFailure]]:
    """The inputs with defaults and secrets as the schema says, and everything that is wrong with them."""
    problems: list[tuple[str, str]] = []
    inputs = _object(inputs_of(token), given, "", problems)
    if token == REMOTE and plain(inputs.get("addPreviousOutputInEnv")) is not False:
        problems.append(("addPreviousOutputInEnv", "the sandbox serves only false: hosts accept no such variables"))
    failures = [CheckFailure(at.split(".")[0], f"{at}: {problem} ({token})") for at, problem in problems]
    return inputs, failures


def _object(form: Form, given: Properties, at: str, problems: list[tuple[str, str]]) -> dict[str, PropertyValue]:
    properties: Mapping[str, Form] = form["properties"]
    served = ", ".join(properties)
    problems += [
        (at + name, f"the sandbox does not serve it; served are {served}") for name in given.keys() - properties
    ]
    complete: dict[str, PropertyValue] = {}
    for name, expected in properties.items():
        value = given.get(name)
        if value is None or value.value is None:
            if name in form["required"]:
                problems.append((at + name, "missing"))
            if "default" not in expected:
                continue
            value = PropertyValue(expected["default"])
        value = _value(resolved(expected), value, at + name, problems)
        complete[name] = value.with_secret(value.is_secret or bool(expected.get("secret")))
    return complete


def _value(form: Form, value: PropertyValue, at: str, problems: list[tuple[str, str]]) -> PropertyValue:
    if value.value == UNKNOWN:
        return value
    if not isinstance(value.value, _KINDS[form["type"]]):
        problems.append((at, f"found {value.type.value}, expected {form['type']}"))
    elif "enum" in form and value.value not in [entry["value"] for entry in form["enum"]]:
        problems.append((at, "is none of " + ", ".join(entry["value"] for entry in form["enum"])))
    elif form["type"] == "object" and isinstance(value.value, Mapping):
        return value.with_value(_object(form, value.value, f"{at}.", problems))
    return value


def plain(value: PropertyValue | None) -> Any:
    """The value in Python, without any mark of secrecy."""
    if value is None:
        return None
    if isinstance(value.value, Mapping):
        return {key: plain(item) for key, item in value.value.items()}
    if isinstance(value.value, Sequence) and not isinstance(value.value, str):
        return [plain(item) for item in value.value]
    return value.value
