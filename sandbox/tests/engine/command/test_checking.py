"""Inputs of the plugin `command`: what is refused, in which words, and what is filled in."""

from __future__ import annotations

import pytest

from sandbox.engine.command.checking import check
from sandbox.engine.command.schema import LOCAL_COMMAND, REMOTE_COMMAND, RUN_INPUTS
from sandbox.engine.plugin.properties import UNKNOWN, Secret, Value

CONNECTION_DEFAULTS: dict[str, Value] = {"port": 22.0, "user": "root", "dialErrorLimit": 10.0, "perDialTimeout": 15.0}


def test_a_connection_gets_its_defaults_and_becomes_secret() -> None:
    inputs, failures = check(REMOTE_COMMAND.inputs, {"connection": {"host": "h", "proxy": {"host": "p"}}})
    assert failures == []
    connection = {"host": "h", **CONNECTION_DEFAULTS, "proxy": {"host": "p", **CONNECTION_DEFAULTS}}
    assert inputs == {"connection": Secret(connection), "addPreviousOutputInEnv": True}


def test_a_connection_that_is_secret_already_is_not_wrapped_twice() -> None:
    inputs, _ = check(REMOTE_COMMAND.inputs, {"connection": Secret({"host": "h", "port": 23.0})})
    assert inputs["connection"] == Secret({"host": "h", **CONNECTION_DEFAULTS, "port": 23.0})


def test_what_is_not_known_yet_passes() -> None:
    given: dict[str, Value] = {"connection": Secret(UNKNOWN), "create": UNKNOWN, "environment": {"A": UNKNOWN}}
    inputs, failures = check(REMOTE_COMMAND.inputs, given)
    assert failures == []
    assert inputs == {**given, "addPreviousOutputInEnv": True}


def test_a_function_gets_no_defaults() -> None:
    assert check(RUN_INPUTS, {"command": "true"}, defaults=False) == ({"command": "true"}, [])


@pytest.mark.parametrize(
    ("given", "property", "reason"),
    [
        ({"create": 1.0}, "create", "Field 'create' on {} must be a 'string'; got 'float64' instead"),
        ({"dir": ["x"]}, "dir", "Field 'dir' on {} must be a 'string'; got '[]interface {{}}' instead"),
        ({"stdin": Secret(True)}, "stdin", "Field 'stdin' on {} must be a 'string'; got 'bool' instead"),
        (
            {"interpreter": ["sh", 1.0]},
            "interpreter",
            "Field 'interpreter[1]' on {} must be a 'string'; got 'float64' instead",
        ),
        (
            {"environment": {"A": True}},
            "environment",
            "Field 'environment[A] value' on {} must be a 'string'; got 'bool' instead",
        ),
        ({"sudo": "x"}, "sudo", "Unrecognized field 'sudo' on {}"),
    ],
)
def test_a_wrong_input_is_named_with_what_was_found(given: dict[str, Value], property: str, reason: str) -> None:
    _, failures = check(LOCAL_COMMAND.inputs, given)
    assert [(failure.property, failure.reason) for failure in failures] == [
        (property, reason.format("'local.CommandInputs'"))
    ]


def test_everything_wrong_is_reported_together() -> None:
    _, failures = check(REMOTE_COMMAND.inputs, {"create": 1.0, "sudo": True})
    assert [failure.property for failure in failures] == ["connection", "create", "sudo"]


def test_what_is_wrong_inside_a_connection_is_listed() -> None:
    _, failures = check(REMOTE_COMMAND.inputs, {"connection": {"port": "ssh"}})
    assert [failure.reason for failure in failures] == [
        "An error occurred decoding 'CommandInputs.connection': 2 failures decoding:"
        "\n\thost: Missing required field 'host' on 'remote.Connection'"
        "\n\tport: Field 'port' on 'remote.Connection' must be a 'float64'; got 'string' instead"
    ]
