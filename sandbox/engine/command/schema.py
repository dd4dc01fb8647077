"""What is served of the package `command` 1.2.1, in the form of a Pulumi package schema. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAME = "command"
VERSION = "1.2.1"
LOCAL, REMOTE = "command:local:Command", "command:remote:Command"

Form = Mapping[str, Any]

_STRING: Form = {"type": "string"}
# Numbers are floats: the engine knows no others.
_HOP: Form = {
    "host": _STRING,
    "port": {"type": "number", "default": 22.0},
    "user": {"type": "string", "default": "root"},
    "privateKey": _STRING,
    "hostKey": _STRING,
    "dialErrorLimit": {"type": "integer", "default": 10.0},
    "perDialTimeout": {"type": "integer", "default": 15.0},
}
_LOGGING: Form = {
    "type": "string",
    "enum": [{"value": value} for value in ("stdout", "stderr", "stdoutAndStderr", "none")],
}
TYPES: Mapping[str, Form] = {
    "command:remote:ProxyConnection": {"type": "object", "properties": _HOP, "required": ["host"]},
    "command:remote:Connection": {
        "type": "object",
        "properties": {**_HOP, "proxy": {"$ref": "#/types/command:remote:ProxyConnection"}},
        "required": ["host"],
    },
    "command:local:Logging": _LOGGING,
    "command:remote:Logging": _LOGGING,
}


def _resource(logging: str, more: Form, required: list[str]) -> Form:
    inputs = {
        **more,
        "create": _STRING,
        "update": _STRING,
        "stdin": _STRING,
        "triggers": {"type": "array", "items": {"$ref": "pulumi.json#/Any"}, "replaceOnChanges": True},
        "logging": {"$ref": f"#/types/{logging}"},
        "addPreviousOutputInEnv": {"type": "boolean", "default": True},
    }
    return {
        "inputProperties": inputs,
        "requiredInputs": required,
        "properties": {**inputs, "stdout": _STRING, "stderr": _STRING},
        "required": [*required, "stdout", "stderr"],
    }


_CONNECTION: Form = {"connection": {"$ref": "#/types/command:remote:Connection", "secret": True}}
RESOURCES: Mapping[str, Form] = {
    LOCAL: _resource("command:local:Logging", {}, []),
    REMOTE: _resource("command:remote:Logging", _CONNECTION, ["connection"]),
}
PACKAGE: Form = {"name": NAME, "version": VERSION, "types": TYPES, "resources": RESOURCES}


def inputs_of(token: str) -> Form:
    """The object type of a resource's inputs."""
    resource = RESOURCES[token]
    return {"type": "object", "properties": resource["inputProperties"], "required": resource["requiredInputs"]}


def resolved(form: Form) -> Form:
    """The type itself, where a property only refers to it."""
    return TYPES.get(form.get("$ref", "").removeprefix("#/types/"), form)
