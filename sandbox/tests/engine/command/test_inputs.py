"""Inputs of the plugin `command`: what is refused, and what is filled in."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime.rpc import UNKNOWN

from sandbox.engine.command.inputs import check
from sandbox.engine.command.schema import LOCAL, REMOTE
from sandbox.tests.engine.command.values import value, values

DEFAULTS = {"port": 22.0, "user": "root", "dialErrorLimit": 10.0, "perDialTimeout": 15.0}


def test_a_connection_gets_its_defaults_and_becomes_secret() -> None:
    given = values(connection={"host": "h", "proxy": {"host": "p"}}, addPreviousOutputInEnv=False)
    inputs, failures = check(REMOTE, given)
    assert failures == []
    connection = {"host": "h", **DEFAULTS, "proxy": {"host": "p", **DEFAULTS}}
    assert inputs == {"connection": value(connection, secret=True), "addPreviousOutputInEnv": value(False)}


def test_what_is_not_known_yet_passes() -> None:
    given = values(connection=value(UNKNOWN, secret=True), create=UNKNOWN, addPreviousOutputInEnv=False)
    assert check(REMOTE, given) == (given, [])


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"create": 1.0}, "create: found Number, expected string"),
        ({"stdin": value(True, secret=True)}, "stdin: found Bool, expected string"),
        ({"triggers": "x"}, "triggers: found String, expected array"),
        ({"logging": "loud"}, "logging: is none of stdout, stderr, stdoutAndStderr, none"),
        ({"sudo": "x"}, "sudo: the sandbox does not serve it; served are create, update, stdin, triggers, logging"),
    ],
)
def test_a_wrong_input_is_named_with_what_was_found(given: dict[str, Any], reason: str) -> None:
    _, failures = check(LOCAL, values(**given))
    assert [failure.property for failure in failures] == list(given)
    assert failures[0].reason.startswith(reason)


def test_everything_wrong_is_reported_together() -> None:
    _, failures = check(REMOTE, values(connection={"port": "ssh"}, create=1.0, sudo=True))
    assert {failure.reason.split(":")[0] for failure in failures} == {
        "sudo", "connection.host", "connection.port", "create", "addPreviousOutputInEnv",
    }  # fmt: skip


def test_a_secret_of_the_wrong_type_is_not_shown() -> None:
    _, failures = check(LOCAL, values(logging=value("hidden", secret=True), stdin=value(["hidden"], secret=True)))
    assert len(failures) == 2
    assert not any("hidden" in failure.reason for failure in failures)
