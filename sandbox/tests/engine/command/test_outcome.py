"""What changing inputs does to a command, and what a preview knows of it."""

from __future__ import annotations

import pytest

from sandbox.engine.command.outcome import changes, previewed_creation, previewed_update, replaces
from sandbox.engine.command.schema import COPY_FILE, LOCAL_COMMAND, REMOTE_COMMAND
from sandbox.engine.plugin.differences import path_text
from sandbox.engine.plugin.properties import UNKNOWN, Secret, Value

STATE: dict[str, Value] = {"create": "c", "triggers": ["1"], "stdout": "old", "stderr": ""}


def test_results_are_no_change() -> None:
    assert changes(LOCAL_COMMAND, STATE, {"create": "c", "triggers": ["1"]}) == {}


@pytest.mark.parametrize(
    ("inputs", "path", "replacing"),
    [
        ({"create": "other", "triggers": ["1"]}, "create", False),
        ({"create": "c"}, "triggers", True),
        ({"create": "c", "triggers": ["2"]}, "triggers[0]", False),
        ({"create": "c", "triggers": ["1", "2"]}, "triggers[1]", False),
    ],
)
def test_only_triggers_as_a_whole_force_a_replacement(inputs: dict[str, Value], path: str, replacing: bool) -> None:
    found = changes(LOCAL_COMMAND, STATE, inputs)
    assert {path_text(at): replaces(LOCAL_COMMAND, at) for at in found} == {path: replacing}


def test_every_change_replaces_what_cannot_be_updated() -> None:
    found = changes(COPY_FILE, {"localPath": "a"}, {"localPath": "b"})
    assert [replaces(COPY_FILE, path) for path in found] == [True]


def test_a_creation_has_no_result_yet_and_no_secret_one() -> None:
    inputs: dict[str, Value] = {"connection": Secret({"host": "h"}), "create": "c"}
    assert previewed_creation(REMOTE_COMMAND, inputs) == {**inputs, "stdout": UNKNOWN, "stderr": UNKNOWN}


@pytest.mark.parametrize(
    ("inputs", "stdout"),
    [
        ({"create": "c", "triggers": ["1"]}, "old"),
        ({"create": Secret("c"), "triggers": ["1"]}, "old"),
        ({"create": "other", "triggers": ["1"]}, UNKNOWN),
        ({"create": "c"}, UNKNOWN),
        ({"create": "c", "triggers": ["1"], "stdin": UNKNOWN}, UNKNOWN),
        # The original looks only at inputs that the state has too.
        ({"create": "c", "triggers": ["1"], "stdin": "new"}, "old"),
    ],
)
def test_an_update_keeps_the_last_result_until_an_input_differs(inputs: dict[str, Value], stdout: Value) -> None:
    assert previewed_update(LOCAL_COMMAND, STATE, inputs)["stdout"] == stdout
