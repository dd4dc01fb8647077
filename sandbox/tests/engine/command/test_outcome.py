"""What a change of inputs does, and what is known before a command has run."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime.rpc import UNKNOWN

from sandbox.engine.command.outcome import differences, last_results, previewed_results
from sandbox.engine.command.schema import LOCAL, REMOTE
from sandbox.tests.engine.command.values import value, values

STATE = values(create="a", stdout="out", stderr="")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"create": "a", "stdout": "x"}, {"create": "a"}, {}),
        ({"create": "a"}, {"create": "b", "stdin": "x"}, {"create": "UPDATE", "stdin": "ADD"}),
        ({"stdin": "a"}, {"stdin": None}, {"stdin": "DELETE"}),
        ({"stdin": "a"}, {"stdin": value("a", secret=True)}, {"stdin": "UPDATE"}),
        ({}, {"triggers": ["1"]}, {"triggers": "ADD_REPLACE"}),
        ({"triggers": ["1", "2"]}, {"triggers": ["3"]}, {"triggers[0]": "UPDATE", "triggers[1]": "DELETE"}),
        ({"triggers": [{"a": "1"}]}, {"triggers": [{"a": "2"}]}, {"triggers[0].a": "UPDATE"}),
        ({"create": "a"}, {"create": UNKNOWN}, {"create": "UPDATE"}),
    ],
)
def test_differences_are_those_of_the_engines_own_library(
    old: dict[str, Any], new: dict[str, Any], expected: dict[str, str]
) -> None:
    found = differences(LOCAL, values(**old), values(**new))
    assert {path: difference.kind.name for path, difference in found.items()} == expected


def test_of_a_secret_connection_only_the_whole_is_shown_to_differ() -> None:
    old, new = ({"connection": value({"host": host}, secret=True)} for host in ("a", "b"))
    assert list(differences(REMOTE, old, new)) == ["connection"]


@pytest.mark.parametrize(
    ("inputs", "stdout"),
    [
        ({"create": "a"}, "out"),
        ({"create": "b"}, UNKNOWN),
        ({"create": "a", "stdin": UNKNOWN}, UNKNOWN),
        ({"create": UNKNOWN}, UNKNOWN),
    ],
)
def test_last_results_stay_known_as_long_as_no_input_changes(inputs: dict[str, Any], stdout: str) -> None:
    assert previewed_results(LOCAL, STATE, values(**inputs))["stdout"] == value(stdout)


def test_results_are_passed_on_as_the_plugin_had_them_not_secret() -> None:
    assert last_results(values(stdout=value("x", secret=True))) == values(stdout="x", stderr="")
