"""docs/faults.md names each fault once, and tests that are there."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (CHECKOUT / "docs/faults.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| fault ")
]


def files_called(name: str) -> list[Path]:
    """Files or folders of tests whose path ends so."""
    places = [CHECKOUT / "tests", CHECKOUT / "sandbox" / "tests"]
    return [path for place in places for path in (place, *place.rglob("*")) if f"/{path}".endswith(f"/{name}")]


def test_every_row_says_what_holds_by_which_test_and_where_it_was_shown() -> None:
    assert len(ROWS) > 60
    assert [row for row in ROWS if len(row) != 4 or not all(row)] == []


def test_no_fault_stands_twice() -> None:
    assert [fault for fault, times in Counter(row[0] for row in ROWS).items() if times > 1] == []


def test_every_test_that_is_named_is_there() -> None:
    named = {name for row in ROWS for name in re.findall(r"`([^`]+)`", row[2])}
    assert len(named) > 40
    assert sorted(name for name in named if not files_called(name)) == []


def test_what_no_test_holds_is_said_somewhere() -> None:
    silent = [
        row for row in ROWS if row[2].strip("|").strip() == "-" and "docs/" not in row[1] and "read in" not in row[3]
    ]
    assert silent == []
