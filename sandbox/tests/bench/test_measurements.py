from __future__ import annotations

from sandbox.bench.measurements import replaced
from sandbox.bench.tables import seconds, table

DOCUMENT = "# Measurements\n\nIntroduction.\n\n## First\n\nold\n\n## Second\n\nkept\n"


def test_a_section_is_replaced_and_the_others_stay() -> None:
    text = replaced(DOCUMENT, "First", "new\n\n| a |")
    assert text == "# Measurements\n\nIntroduction.\n\n## First\n\nnew\n\n| a |\n\n## Second\n\nkept\n"


def test_a_section_that_is_not_there_comes_last() -> None:
    text = replaced(DOCUMENT, "Third", "new")
    assert text.startswith(DOCUMENT)
    assert text.endswith("\n## Third\n\nnew\n")


def test_writing_the_same_twice_changes_nothing() -> None:
    once = replaced(DOCUMENT, "Third", "new")
    assert replaced(once, "Third", "new") == once


def test_a_table_aligns_its_numbers_right() -> None:
    assert table(("name", "s"), [("a", "1")]) == "| name | s |\n| --- | ---: |\n| a | 1 |\n"


def test_several_runs_show_as_median_and_range() -> None:
    assert seconds([]) == "-"
    assert seconds([1.26]) == "1.3"
    assert seconds([3.0, 1.0, 2.0]) == "2.0 (1.0 to 3.0)"
    assert seconds([1.234, 1.5], digits=2) == "1.37 (1.23 to 1.50)"
