"""Programs without what only readers need: user data is small, and a changed comment must not replace workers. Pure."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import cache

_BASH_COMMENT = re.compile(r"^ *#(?!!).*\n", re.MULTILINE)


@cache
def slim(path: str, content: str) -> str:
    """A script or module without comments, docstrings and empty lines; any other file as it is.

    What is left keeps its lines, so that it does not depend on the Python that makes it.
    """
    if path.endswith(".py"):
        return _slim_python(content)
    if path.endswith(".sh"):
        return re.sub(r"\n{2,}", "\n", _BASH_COMMENT.sub("", content))
    return content


def _slim_python(source: str) -> str:
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    inside = _lines_inside_strings(source)
    for docstring, is_all in _docstrings(ast.parse(source)):
        assert docstring.end_lineno is not None
        rows = range(docstring.lineno, docstring.end_lineno + 1)
        inside -= set(rows)
        for row in rows:
            lines[row - 1] = ""
        if is_all:
            lines[docstring.lineno - 1] = " " * docstring.col_offset + "pass"
    return "".join(f"{line}\n" for row, line in enumerate(lines, start=1) if line or row in inside)


def _docstrings(tree: ast.Module) -> list[tuple[ast.Expr, bool]]:
    """Each docstring, and whether it is all of its block."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                found.append((first, len(node.body) == 1))
    return found


def _lines_inside_strings(source: str) -> set[int]:
    """Lines that a string of several lines spans: an empty one there is part of its value."""
    rows: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.STRING and token.start[0] != token.end[0]:
            rows.update(range(token.start[0], token.end[0] + 1))
    return rows
