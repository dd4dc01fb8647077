"""Comments keep to their limit, whatever is in them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations.preview.budget import Part, fit

_CHARACTERS = st.characters(exclude_characters="\n\r", codec="utf-8")
_LINES = st.lists(st.text(_CHARACTERS, max_size=300), max_size=60)


@settings(max_examples=60)
@given(bodies=st.lists(_LINES, max_size=8), limit=st.integers(3000, 20_000))
def test_a_comment_is_never_longer_than_its_limit(bodies: list[list[str]], limit: int) -> None:
    parts = [Part((f"head {n}",), tuple(body), (f"tail {n}",), fenced=bool(n % 2)) for n, body in enumerate(bodies)]
    text = fit(parts, limit)
    assert len(text.encode()) <= limit
    for number in range(len(bodies)):
        assert f"head {number}" in text
        assert f"tail {number}" in text


def test_what_fits_is_left_whole() -> None:
    assert fit([Part(("a",), ("b", "c"), ("d",))], 10_000) == "a\nb\nc\nd\n"


def test_a_cut_says_how_much_is_missing_and_spares_short_parts() -> None:
    text = fit([Part((), ("short",) * 3), Part((), ("long line " * 10,) * 1000)], 3000)
    assert text.count("short") == 3
    kept = text.count("long line " * 10)
    assert f"… {1000 - kept:,} more lines" in text
    assert kept > 10


def test_the_note_on_a_cut_stands_outside_of_a_code_fence() -> None:
    lines = fit([Part(("```diff",), ("+ line",) * 1000, ("```", "</details>"), fenced=True)], 1000).splitlines()
    note = next(number for number, line in enumerate(lines) if line.startswith("…"))
    assert lines[note - 2] == "```"
    assert lines[-1] == "</details>"


def test_parts_that_can_not_be_cut_are_refused_when_they_are_too_long() -> None:
    with pytest.raises(ValueError, match="can't be cut"):
        fit([Part(("x" * 2000,))], 1000)
