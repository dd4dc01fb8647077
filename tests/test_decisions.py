"""Decisions have one shape, and the index has each of them. `python -m tests.test_decisions` writes the index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs/decisions"
INDEX = FOLDER / "README.md"
_BEGIN = "<!-- The index: python -m tests.test_decisions -->\n"
_ENTRY = re.compile(r"^### (?P<title>.+)\n\n(?P<date>.*)\n\n(?P<body>(?:(?!^#).*\n?)*)", re.MULTILINE)
_SAYS = ("Decision", "Why", "Cost", "Until")


def documents() -> tuple[Path, ...]:
    return tuple(sorted(set(FOLDER.glob("*.md")) - {INDEX}))


def entries(document: Path) -> Iterator[re.Match[str]]:
    return _ENTRY.finditer(document.read_text())


def index() -> str:
    """The part of the index that follows from the documents."""
    return "\n".join(line for document in documents() for line in _listed(document)) + "\n"


def _listed(document: Path) -> Iterator[str]:
    for line in document.read_text().splitlines():
        level, _, title = line.partition(" ")
        if level == "#":
            yield f"\n## [{title.removeprefix('Decisions: ').capitalize()}]({document.name})"
        elif level == "##":
            yield f"\n**{title}**\n"
        elif level == "###":
            yield f"- [{title}]({document.name}#{_anchor(title)})"


def _anchor(title: str) -> str:
    """As the usual renderers of Markdown make it from a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_every_decision_has_the_shape_and_a_date() -> None:
    for document in documents():
        titles = re.findall(r"^### (.+)$", document.read_text(), re.MULTILINE)
        found = list(entries(document))
        assert [entry["title"] for entry in found] == titles, document.name
        for entry in found:
            assert re.fullmatch(r"20\d\d-\d\d-\d\d", entry["date"]), f"{document.name}: {entry['title']}: no date"
            said = re.findall(r"^- \*\*(\w+):\*\* \S", entry["body"], re.MULTILINE)
            assert set(said) & {"Decision", "Why"}, f"{document.name}: {entry['title']}: neither decision nor why"
            assert said == [word for word in _SAYS if word in said], f"{document.name}: {entry['title']}: {said}"


def test_the_index_is_current() -> None:
    assert INDEX.read_text().partition(_BEGIN)[2] == index(), "run python -m tests.test_decisions"


if __name__ == "__main__":
    INDEX.write_text(INDEX.read_text().partition(_BEGIN)[0] + _BEGIN + index())
