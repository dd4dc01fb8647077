"""Between Pulumi's properties and Kubernetes objects: secrets, numbers, and the form that the state keeps. Pure.

The state of a resource is the live object with `__inputs`, `__initialApiVersion` and `__fieldManager` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.engine.kubernetes.objects import Object, text
from sandbox.engine.plugin.properties import Properties, Secret, Unknown, Value, contains_secret, secret

INPUTS, INITIAL_API_VERSION, FIELD_MANAGER = "__inputs", "__initialApiVersion", "__fieldManager"

# SDKs can't have dashes in property names, so Pulumi writes these keys of a CustomResourceDefinition otherwise.
_DASHED = {
    f"x_kubernetes_{name}": f"x-kubernetes-{name.replace('_', '-')}"
    for name in (
        "embedded_resource", "int_or_string", "list_map_keys", "list_type", "map_type", "preserve_unknown_fields",
        "validations",
    )
}  # fmt: skip
_UNDERSCORED = {dashed: name for name, dashed in _DASHED.items()}


class UnsupportedValueError(ValueError):
    """A property value that no Kubernetes object can hold."""


def to_object(properties: Mapping[str, Value]) -> Object:
    """The plain object: no secrets, no nulls, whole numbers as integers. Unknowns stay."""
    return {_DASHED.get(key, key): _plain(value, key) for key, value in properties.items() if not _is_null(value)}


def _is_null(value: Value) -> bool:
    return value is None or (isinstance(value, Secret) and _is_null(value.value))


def _plain(value: Value, where: str) -> Any:
    if isinstance(value, Secret):
        return _plain(value.value, where)
    if isinstance(value, dict):
        return {
            _DASHED.get(key, key): _plain(inner, f"{where}.{key}")
            for key, inner in value.items()
            if not _is_null(inner)
        }
    if isinstance(value, list):
        return [_plain(inner, f"{where}[{index}]") for index, inner in enumerate(value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, bool | int | float | str | Unknown):
        return value
    raise UnsupportedValueError(f"{where}: a {type(value).__name__} can't be part of a Kubernetes object")


def to_properties(obj: Mapping[str, Any]) -> Properties:
    """The inverse of `to_object`, without secrets."""
    return {_UNDERSCORED.get(key, key): _property(value) for key, value in obj.items()}


def _property(value: Any) -> Value:
    if isinstance(value, Mapping):
        return to_properties(value)
    if isinstance(value, list):
        return [_property(inner) for inner in value]
    result: Value = value
    return result


def mark_secrets(outputs: Properties, inputs: Mapping[str, Value]) -> None:
    """Makes secret what was secret in the inputs, as narrowly as mappings allow; in a Secret, its data."""
    if outputs.get("kind") == "Secret":
        for key in ("data", "stringData"):
            if key in outputs:
                outputs[key] = secret(outputs[key])
        return
    for key, given in inputs.items():
        if key not in outputs:
            continue
        output = outputs[key]
        if isinstance(output, dict) and isinstance(given, dict):
            mark_secrets(output, given)
        elif not isinstance(output, Secret) and contains_secret(given):
            outputs[key] = Secret(output)


def with_secrets(obj: Mapping[str, Any], inputs: Mapping[str, Value]) -> Properties:
    """The object as properties, as secret as the inputs that it came from."""
    properties = to_properties(obj)
    mark_secrets(properties, inputs)
    return properties


def checkpoint(
    inputs: Mapping[str, Any], live: Mapping[str, Any], given: Mapping[str, Value], api_version: str, manager: str
) -> Properties:
    """The state to keep for a live object that `inputs` made; `given` says what is secret."""
    state = with_secrets(live, given)
    state[INPUTS] = with_secrets(inputs, given)
    state[INITIAL_API_VERSION] = api_version
    state[FIELD_MANAGER] = manager
    return state


def parse_checkpoint(state: Mapping[str, Value]) -> tuple[Object, Object]:
    """The inputs and the live object of a state."""
    live = to_object(state)
    inputs = live.pop(INPUTS, {})
    live.pop(INITIAL_API_VERSION, None)
    live.pop(FIELD_MANAGER, None)
    return (inputs if isinstance(inputs, dict) else {}), live


def initial_api_version(state: Mapping[str, Value], inputs: Mapping[str, Any]) -> str:
    return text(state.get(INITIAL_API_VERSION)) or text(inputs.get("apiVersion"))
