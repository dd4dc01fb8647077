"""A page in its three forms."""

from __future__ import annotations

from html.parser import HTMLParser

from operations.report.blocks import Drawing, Page, Paragraph, Section, Table
from operations.report.render import html_page, markdown, terminal

PAGE = Page(
    "A <page>",
    (
        Section(
            "Part",
            (
                Paragraph("Run `pulumi up`, then a|b."),
                Paragraph("Mind this.", warning=True),
                Table(
                    ("name", "figure"),
                    (("a|b <x>", "1.00"), ("a long cell " * 20, "22.00")),
                    frozenset({1}),
                    frozenset({1}),
                ),
                Drawing("<svg></svg>", "+--+"),
            ),
        ),
    ),
)


class Balanced(HTMLParser):
    """Checks that every element is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "path", "rect", "line"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "rect", "line"):
            assert self.open.pop() == tag


def test_the_terminal_form_keeps_to_its_width_and_marks_rows() -> None:
    lines = terminal(PAGE).splitlines()
    assert max(len(line) for line in lines) <= 118
    assert any(line.startswith("> a long cell") for line in lines)
    assert any(line.startswith("! Mind this.") for line in lines)
    assert "+--+" in lines
    assert "`" not in terminal(PAGE)


def test_markdown_escapes_what_would_break_a_table() -> None:
    text = markdown(PAGE)
    assert "| a\\|b &lt;x> | 1.00 |" in text
    assert "|---|---:|" in text
    assert "**22.00**" in text
    assert "> ⚠️ Mind this." in text


def test_html_escapes_text_marks_rows_and_loads_nothing() -> None:
    text = html_page(PAGE)
    assert "<h1>A &lt;page&gt;</h1>" in text
    assert "<code>pulumi up</code>" in text
    assert '<tr class="marked"><td class="long">a long cell' in text
    assert "http" not in text
    checked = Balanced()
    checked.feed(text)
    assert checked.open == []
