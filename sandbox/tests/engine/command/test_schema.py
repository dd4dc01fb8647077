"""The schema of the plugin, against the installed SDK."""

from __future__ import annotations

import inspect
from enum import Enum
from importlib import metadata
from typing import Any

import pulumi
import pytest
from pulumi_command import local, remote

from sandbox.engine.command.schema import package_schema

SCHEMA = package_schema()
RESOURCES = {
    "command:local:Command": (local.Command, local.CommandArgs),
    "command:remote:Command": (remote.Command, remote.CommandArgs),
    "command:remote:CopyToRemote": (remote.CopyToRemote, remote.CopyToRemoteArgs),
    "command:remote:CopyFile": (remote.CopyFile, remote.CopyFileArgs),
}
TYPES = {
    "command:remote:Connection": remote.ConnectionArgs,
    "command:remote:ProxyConnection": remote.ProxyConnectionArgs,
}
ENUMS: dict[str, type[Enum]] = {"command:local:Logging": local.Logging, "command:remote:Logging": remote.Logging}


def shape(annotation: Any) -> str:
    """One word for a type of the SDK, comparable with that of a schema."""
    text = str(annotation)
    for word, name in (
        ("ProxyConnection", "command:remote:ProxyConnection"), ("Connection", "command:remote:Connection"),
        ("Logging", "Logging"), ("Mapping[str, typing.Union[pulumi.asset", "assets"), ("Mapping", "map"),
        ("typing.Any", "any list"), ("Sequence", "list"), ("Archive", "asset or archive"), ("bool", "boolean"),
        ("float", "number"), ("int]", "integer"), ("'int'", "integer"), ("str", "string"),
    ):  # fmt: skip
        if word in text:
            return name
    raise AssertionError(f"no word for {text}")


def declared(form: dict[str, Any]) -> str:
    reference = form.get("$ref", "")
    if reference.startswith("#/types/"):
        name = str(reference.removeprefix("#/types/"))
        return "Logging" if name.endswith("Logging") else name
    if reference:
        return "asset or archive"
    if form["type"] == "array":
        return "any list" if form["items"].get("$ref") == "pulumi.json#/Any" else "list"
    if form["type"] == "object":
        return "assets" if form["additionalProperties"].get("$ref") else "map"
    return str(form["type"])


def properties(cls: type) -> dict[str, str]:
    """Properties of an args, output or resource class by the name on the wire, with their shape."""
    found = {}
    for name, member in inspect.getmembers(cls, lambda member: isinstance(member, property)):
        if hasattr(pulumi.CustomResource, name):
            continue
        wire = getattr(member.fget, "_pulumi_name", None) or name
        found[wire] = shape(member.fget.__annotations__["return"])
    return found


def required(cls: type) -> set[str]:
    names = {p.name for p in inspect.signature(cls).parameters.values() if p.default is inspect.Parameter.empty}
    return {_wire(name) for name in names}


def _wire(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def test_it_is_the_version_that_the_sdk_asks_for() -> None:
    assert SCHEMA["version"] == metadata.version("pulumi-command")


def test_resources_types_and_functions_are_all_those_of_the_sdk() -> None:
    resources = {
        vars(cls)["pulumi_type"]
        for module in (local, remote)
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, pulumi.CustomResource)
    }
    assert set(SCHEMA["resources"]) == resources == set(RESOURCES)
    assert set(SCHEMA["types"]) == set(TYPES) | set(ENUMS)
    assert set(SCHEMA["functions"]) == {"command:local:run"}


@pytest.mark.parametrize("token", RESOURCES)
def test_a_resource_has_the_inputs_and_outputs_of_the_sdk(token: str) -> None:
    resource, args = RESOURCES[token]
    declaration = SCHEMA["resources"][token]
    inputs = {name: declared(form) for name, form in declaration["inputProperties"].items()}
    outputs = {name: declared(form) for name, form in declaration["properties"].items()}
    assert inputs == properties(args)
    assert outputs == properties(resource)
    assert set(declaration["requiredInputs"]) == required(args)


@pytest.mark.parametrize("token", TYPES)
def test_a_type_has_the_properties_and_defaults_of_the_sdk(token: str) -> None:
    cls = TYPES[token]
    declaration = SCHEMA["types"][token]
    assert {name: declared(form) for name, form in declaration["properties"].items()} == properties(cls)
    assert set(declaration["required"]) == required(cls)
    made = cls(host="h")
    defaults = {name: form["default"] for name, form in declaration["properties"].items() if "default" in form}
    assert {name: getattr(made, _python(name)) for name in declaration["properties"]} == {
        "host": "h", **{name: None for name in declaration["properties"] if name != "host"}, **defaults,
    }  # fmt: skip


@pytest.mark.parametrize("token", ENUMS)
def test_an_enum_has_the_values_of_the_sdk(token: str) -> None:
    assert {entry["value"] for entry in SCHEMA["types"][token]["enum"]} == {member.value for member in ENUMS[token]}


def test_the_function_takes_and_returns_what_the_sdk_says() -> None:
    function = SCHEMA["functions"]["command:local:run"]
    taken = {_wire(name) for name in inspect.signature(local.run).parameters} - {"opts"}
    assert set(function["inputs"]["properties"]) == taken
    assert set(function["outputs"]["properties"]) == set(properties(local.RunResult))


def _python(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
