"""Program text for user data, which is small: the modules that are imported, without comments and types. Pure.

Later deliveries bring the whole text. Of lines that stay only types are cut out, so that a preview shows what changes
in them; an import that only types need goes with them. A changed comment changes no user data, so it replaces no
worker.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Sequence
from functools import cache

_HERE_DOCUMENT = re.compile(r"(?<!<)<<-?\s*(['\"]?)(?P<end>\w+)\1")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def without_comments(path: str, text: str) -> str:
    """A Python module, a bash script, a unit or drop-in of systemd, or kernel parameters, without comments, docstrings,
    blank lines and the types of functions; any other file as it is.
    """
    if path.endswith(".py"):
        return _python_code(text)
    if path.endswith(".sh"):
        return _bash_code(text)
    if path.endswith((".service", ".conf")):
        return "".join(line for line in text.splitlines(keepends=True) if line.strip() and not line.startswith("#"))
    return text


def needed_modules(entries: Sequence[str], source: Callable[[str], str | None]) -> tuple[str, ...]:
    """`entries` and what they import, directly or not, sorted: dotted names below `components`.

    `source` gives the text of a module, None for what is none, such as a name that is imported from one.
    """
    found: set[str] = set()
    waiting = list(entries)
    while waiting:
        module = waiting.pop()
        text = None if module in found else source(module)
        if text is not None:
            found.add(module)
            waiting += _imports(text)
    return tuple(sorted(found))


@cache
def _imports(text: str) -> tuple[str, ...]:
    """Each module that is named, and each name from it: only the reader of files knows which of them are modules."""
    return tuple(
        name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module and f"{node.module}.".startswith("components.")
        for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    )


def _python_code(text: str) -> str:
    nodes = list(ast.walk(ast.parse(text)))
    dropped: set[int] = set()
    for node in nodes:
        # The only statement of a body stays: without it there would be no body.
        if isinstance(node, _DOCUMENTED) and len(node.body) > 1 and _is_text(node.body[0]):
            dropped |= _lines(node.body[0])
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#"):
            dropped.add(token.start[0])
    for unused in _imports_for_types(nodes):
        dropped |= _lines(unused)
    texts = [node for node in nodes if isinstance(node, (ast.Constant, ast.JoinedStr))]
    kept = {line for node in texts if len(_lines(node)) > 1 for line in _lines(node)} - dropped
    lines = _without_types(nodes, text)
    return "".join(
        line for number, line in enumerate(lines, 1) if number in kept or (number not in dropped and line.strip())
    )


def _imports_for_types(nodes: Sequence[ast.AST]) -> list[ast.ImportFrom]:
    """Those of which no name is used when the module runs: `from __future__ import annotations` leaves types alone."""
    types = [
        found
        for node in nodes
        for found in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if isinstance(found, ast.expr)
    ]
    in_types = {id(part) for found in types for part in ast.walk(found)}
    used = {node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in in_types}
    return [
        node
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        and node.module != "__future__"
        and not used & {alias.asname or alias.name for alias in node.names}
    ]


def _without_types(nodes: Sequence[ast.AST], text: str) -> list[str]:
    """The lines of `text`, as they are but for the types of arguments and results."""
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    spans = [
        (node.annotation, node.col_offset + len(node.arg.encode()))
        for node in nodes
        if isinstance(node, ast.arg) and node.annotation and node.lineno == node.annotation.lineno
    ] + [
        (node.returns, node.returns.col_offset - len(" -> "))
        for node in nodes
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns
    ]
    # From the right, so that what is cut out moves none of the others.
    for annotation, start in sorted(spans, key=lambda span: span[1], reverse=True):
        if annotation.end_lineno == annotation.lineno:
            line = lines[annotation.lineno - 1]
            lines[annotation.lineno - 1] = line[:start] + line[annotation.end_col_offset :]
    return [line.decode() for line in lines]


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _lines(node: ast.stmt | ast.expr) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _bash_code(text: str) -> str:
    first, *rest = text.splitlines(keepends=True)
    kept = [first] if first.startswith("#!") or not first.startswith("#") else []
    end: str | None = None
    for line in rest:
        if end is not None:
            kept.append(line)
            end = None if line.strip() == end else end
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        kept.append(line)
        if here := _HERE_DOCUMENT.search(line):
            end = here["end"]
    return "".join(kept)
