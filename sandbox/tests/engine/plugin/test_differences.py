"""Differences between property maps, as the engine's own library finds them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.plugin.differences import Change, detailed, differences, parse_path, path_text
from sandbox.engine.plugin.properties import UNKNOWN, Asset, Secret, Value

OLD: dict[str, Value] = {
    "a": "1",
    "list": [1.0, 2.0],
    "map": {"x": "1", "y": "2"},
    "secret": Secret({"k": "v"}),
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"a": "2"}, {"a": Change.UPDATE}),
        ({"a": None}, {"a": Change.DELETE}),
        ({"new": "x"}, {"new": Change.ADD}),
        ({"new": None}, {}),
        ({"list": [1.0]}, {"list[1]": Change.DELETE}),
        ({"list": [1.0, 3.0, 4.0]}, {"list[1]": Change.UPDATE, "list[2]": Change.ADD}),
        ({"map": {"x": "1", "a.b": "3"}}, {"map.y": Change.DELETE, 'map["a.b"]': Change.ADD}),
        ({"map": "text"}, {"map": Change.UPDATE}),
        ({"secret": Secret({"k": "w"})}, {"secret": Change.UPDATE}),
        ({"a": Secret("1")}, {"a": Change.UPDATE}),
        ({"a": UNKNOWN}, {"a": Change.UPDATE}),
    ],
)
def test_every_path_that_differs_is_found(change: dict[str, Value], expected: dict[str, Change]) -> None:
    found = differences(OLD, {**OLD, **change})
    assert {path_text(path): kind for path, kind in found.items()} == expected


def test_assets_are_equal_when_their_content_is() -> None:
    assert differences({"a": Asset(path="x", hash="1")}, {"a": Asset(text="t", hash="1")}) == {}
    assert differences({"a": Asset(path="x", hash="1")}, {"a": Asset(path="x", hash="2")}) == {("a",): Change.UPDATE}


def test_numbers_and_booleans_are_not_the_same() -> None:
    assert differences({"a": 1.0}, {"a": True}) == {("a",): Change.UPDATE}


def test_replacements_have_kinds_of_their_own() -> None:
    changes = differences({"a": "1", "b": "1"}, {"a": "2", "b": "2"})
    assert detailed(changes, lambda path: path == ("a",)) == {"a": 5, "b": 4}


@given(st.lists(st.one_of(st.text(min_size=1), st.integers(min_value=0, max_value=99)), min_size=1, max_size=5))
def test_a_path_is_read_back_as_it_was_written(steps: list[str | int]) -> None:
    path = tuple(step if isinstance(step, int) else step.replace("\\", "") or "k" for step in steps)
    assert parse_path(path_text(path)) == path


def test_a_path_with_an_open_bracket_is_refused() -> None:
    with pytest.raises(ValueError, match=r"cannot be read from '\[0' on"):
        parse_path("a[0")


def test_any_element_is_a_step_of_its_own() -> None:
    assert parse_path("spec.containers[*].image") == ("spec", "containers", "*", "image")
