"""A page as plain text, Markdown or HTML. Pure."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from textwrap import wrap
from typing import Final

from operations.report.blocks import Block, Drawing, Page, Paragraph, Table

_WIDTH: Final = 118
_CELL: Final = 46
_SHORT: Final = 14
_LONG: Final = 30
_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --mark: #68a; --warn: #c60; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .8rem 0; max-width: 100%; } .wide { overflow-x: auto; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
td.figure, th.figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.marked { background: color-mix(in srgb, var(--mark) 18%, transparent); font-weight: 600; }
p.warning { border-left: 4px solid var(--warn); padding-left: .8rem; }
td.long { min-width: 11rem; } td.short { white-space: nowrap; }
figure { margin: 1rem 0; overflow-x: auto; } svg { display: block; }
"""


def terminal(page: Page) -> str:
    """The page for a terminal of 118 columns."""
    lines = [page.title, "=" * len(page.title)]
    for section in page.sections:
        lines += ["", section.title, "-" * len(section.title)]
        for block in section.blocks:
            lines += _text_block(block)
    return "\n".join(lines) + "\n"


def markdown(page: Page) -> str:
    """The page as GitHub's Markdown."""
    lines = [f"# {page.title}"]
    for section in page.sections:
        lines += ["", f"## {section.title}"]
        for block in section.blocks:
            lines += ["", *markdown_block(block)]
    return "\n".join(lines) + "\n"


def html_page(page: Page) -> str:
    """The page as one HTML file that loads nothing."""
    parts = [f"<h1>{html.escape(page.title)}</h1>"]
    for section in page.sections:
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        parts += [_html_block(block) for block in section.blocks]
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f'<meta charset="utf-8">{viewport}<style>{_STYLE}</style>'
    body = "\n".join(parts)
    title = f"<title>{html.escape(page.title)}</title>"
    return f'<!doctype html>\n<html lang="en"><head>{head}{title}</head>\n<body>\n{body}\n</body></html>\n'


def markdown_block(block: Block) -> list[str]:
    """A block as lines of Markdown."""
    if isinstance(block, Paragraph):
        return [f"> ⚠️ {block.text}" if block.warning else block.text]
    if isinstance(block, Drawing):
        return ["```text", *block.text.splitlines(), "```"]
    rule = "|" + "|".join("---:" if column in block.right else "---" for column in range(len(block.header))) + "|"
    rows = []
    for number, row in enumerate(block.rows):
        cells = [_markdown_cell(cell) for cell in row]
        rows.append(_row([f"**{cell}**" if cell else "" for cell in cells] if number in block.marked else cells))
    return [_row([_markdown_cell(cell) for cell in block.header]), rule, *rows]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _markdown_cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", "<br>")


def _text_block(block: Block) -> list[str]:
    if isinstance(block, Paragraph):
        return wrap(("! " if block.warning else "") + _plain(block.text), _WIDTH, subsequent_indent="  ")
    if isinstance(block, Drawing):
        return block.text.splitlines()
    return list(_text_table(block))


def _plain(text: str) -> str:
    return text.replace("`", "")


def _text_table(table: Table) -> Iterator[str]:
    rows = [tuple(_plain(cell) for cell in row) for row in (table.header, *table.rows)]
    widths = [min(_CELL, max(len(row[column]) for row in rows)) for column in range(len(table.header))]
    while sum(widths) + 3 * len(widths) > _WIDTH and max(widths) > 10:
        widths[widths.index(max(widths))] -= 1
    for number, row in enumerate(rows):
        cells = [wrap(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
        for line in range(max(len(cell) for cell in cells)):
            texts = [cell[line] if line < len(cell) else "" for cell in cells]
            aligned = [
                text.rjust(width) if column in table.right else text.ljust(width)
                for column, (text, width) in enumerate(zip(texts, widths, strict=True))
            ]
            mark = ">" if number - 1 in table.marked and line == 0 and number else " "
            yield (mark + " " + " │ ".join(aligned)).rstrip()
        if number == 0:
            yield "  " + "─┼─".join("─" * width for width in widths)


def _html_block(block: Block) -> str:
    if isinstance(block, Paragraph):
        kind = ' class="warning"' if block.warning else ""
        return f"<p{kind}>{_html_text(block.text)}</p>"
    if isinstance(block, Drawing):
        return f"<figure>{block.svg}</figure>"
    kinds = [_kind(block, column) for column in range(len(block.header))]
    head = "".join(_html_cell("th", text, kind) for text, kind in zip(block.header, kinds, strict=True))
    rows = []
    for number, row in enumerate(block.rows):
        marked = ' class="marked"' if number in block.marked else ""
        cells = "".join(_html_cell("td", text, kind) for text, kind in zip(row, kinds, strict=True))
        rows.append(f"<tr{marked}>{cells}</tr>")
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _kind(table: Table, column: int) -> str:
    """How a column's cells may wrap, so that a narrow window scrolls a table instead of squeezing it."""
    longest = max((len(row[column]) for row in table.rows), default=0)
    if column in table.right:
        return "figure"
    return "short" if longest <= _SHORT else "long" if longest > _LONG else ""


def _html_cell(tag: str, text: str, kind: str) -> str:
    named = f' class="{kind}"' if kind else ""
    return f"<{tag}{named}>{_html_text(text)}</{tag}>"


def _html_text(text: str) -> str:
    parts = html.escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


FORMATS: Final[Mapping[str, Callable[[Page], str]]] = {"text": terminal, "markdown": markdown, "html": html_page}
