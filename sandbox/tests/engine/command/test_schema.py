"""What is served, against the installed SDK: names, shapes, defaults; and what is not, which is refused by name."""

from __future__ import annotations

import inspect
from enum import Enum
from importlib import metadata
from typing import Any

import pulumi
import pytest
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi_command import local, remote

from sandbox.engine.command.inputs import check
from sandbox.engine.command.schema import LOCAL, PACKAGE, REMOTE, RESOURCES, TYPES, resolved

CLASSES: dict[str, tuple[type, type]] = {
    LOCAL: (local.Command, local.CommandArgs),
    REMOTE: (remote.Command, remote.CommandArgs),
}
HOPS: dict[str, type] = {
    "command:remote:Connection": remote.ConnectionArgs,
    "command:remote:ProxyConnection": remote.ProxyConnectionArgs,
}
ENUMS: dict[str, type[Enum]] = {"command:local:Logging": local.Logging, "command:remote:Logging": remote.Logging}


def shape(annotation: Any) -> str:
    """One word for a type of the SDK, comparable with that of a schema."""
    text = str(annotation)
    for word, name in (
        ("Connection", "object"), ("Logging", "string"), ("Mapping", "map"), ("Archive", "archive"),
        ("Sequence", "array"), ("bool", "boolean"), ("float", "number"), ("int]", "integer"), ("str", "string"),
    ):  # fmt: skip
        if word in text:
            return name
    raise AssertionError(f"no word for {text}")


def properties(cls: type) -> dict[str, str]:
    """Properties of an args or resource class by the name on the wire, with their shape."""
    found = {}
    for name, member in inspect.getmembers(cls, lambda member: isinstance(member, property)):
        if not hasattr(pulumi.CustomResource, name):
            wire = getattr(member.fget, "_pulumi_name", None) or name
            found[wire] = shape(member.fget.__annotations__["return"])
    return found


def required(cls: type) -> set[str]:
    return {p.name for p in inspect.signature(cls).parameters.values() if p.default is inspect.Parameter.empty}


UNSERVED = [
    (token, name)
    for token, (_, args) in CLASSES.items()
    for name in sorted(properties(args).keys() - RESOURCES[token]["inputProperties"])
]
UNSERVED_OF_A_HOP = sorted(properties(remote.ConnectionArgs).keys() - TYPES["command:remote:Connection"]["properties"])


def test_it_is_the_version_that_the_sdk_asks_for() -> None:
    assert PACKAGE["version"] == metadata.version("pulumi-command")


@pytest.mark.parametrize("token", RESOURCES)
def test_what_a_resource_takes_and_gives_is_what_the_sdk_says(token: str) -> None:
    resource, args = CLASSES[token]
    form = RESOURCES[token]
    inputs = {name: resolved(property)["type"] for name, property in form["inputProperties"].items()}
    outputs = {name: resolved(property)["type"] for name, property in form["properties"].items()}
    assert inputs.items() <= properties(args).items()
    assert outputs.items() <= properties(resource).items()
    assert set(form["requiredInputs"]) == required(args)


@pytest.mark.parametrize("token", HOPS)
def test_a_connection_has_the_properties_and_defaults_of_the_sdk(token: str) -> None:
    cls, form = HOPS[token], TYPES[token]
    served = {name: resolved(property)["type"] for name, property in form["properties"].items()}
    assert served.items() <= properties(cls).items()
    assert set(form["required"]) == required(cls)
    made = cls(host="h")
    defaults = {name: property.get("default") for name, property in form["properties"].items()}
    assert {name: getattr(made, _python(name)) for name in defaults} == {**defaults, "host": "h"}


@pytest.mark.parametrize("token", ENUMS)
def test_an_enum_has_the_values_of_the_sdk(token: str) -> None:
    assert {entry["value"] for entry in TYPES[token]["enum"]} == {member.value for member in ENUMS[token]}


@pytest.mark.parametrize(("token", "name"), UNSERVED)
def test_a_property_of_the_sdk_that_is_not_served_is_refused_by_name(token: str, name: str) -> None:
    _, failures = check(token, {name: PropertyValue("x")})
    reasons = [failure.reason for failure in failures if failure.property == name]
    assert len(reasons) == 1
    assert f"{name}: the sandbox does not serve it" in reasons[0]


@pytest.mark.parametrize("name", UNSERVED_OF_A_HOP)
def test_a_property_of_a_connection_that_is_not_served_is_refused_by_name(name: str) -> None:
    connection = PropertyValue({"host": PropertyValue("h"), name: PropertyValue("x")})
    _, failures = check(REMOTE, {"connection": connection, "addPreviousOutputInEnv": PropertyValue(False)})
    assert [failure.reason.split(" it;")[0] for failure in failures] == [
        f"connection.{name}: the sandbox does not serve"
    ]


def _python(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
