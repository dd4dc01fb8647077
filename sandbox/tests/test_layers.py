"""The sandbox's packages build on each other in one direction."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SANDBOX = Path(__file__).resolve().parents[1]
_ASIDE = {"tests", "tree"}


@cache
def modules() -> dict[str, Path]:
    found = {}
    for file in SANDBOX.rglob("*.py"):
        parts = file.relative_to(SANDBOX.parent).with_suffix("").parts
        if not _ASIDE & set(parts):
            found[".".join(parts).removesuffix(".__init__")] = file
    return found


@cache
def imports(module: str) -> frozenset[str]:
    """Modules of the sandbox that one of them imports, anywhere in it."""
    return frozenset(_imports(modules()[module], modules()))


def _imports(file: Path, known: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "sandbox":
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if inner in known else node.module


def cycle(edges: dict[str, set[str]]) -> list[str]:
    """Names along some circle, or nothing."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for other in sorted(edges.get(name, ())):
            if found := visit(other, [*path, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(edges) if (found := visit(name, []))), [])


def package(module: str, depth: int) -> str:
    """The package that a module stands in, of at most so many names; a module beside packages is one by itself."""
    return ".".join(module.split(".")[:depth])


def edges(depth: int) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for module in modules():
        for other in imports(module):
            here, there = package(module, depth), package(other, depth)
            if here != there and not here.startswith(f"{there}.") and not there.startswith(f"{here}."):
                found.setdefault(here, set()).add(there)
    return found


def test_a_circle_is_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}}) == []


def test_no_package_of_the_sandbox_imports_one_that_imports_it() -> None:
    assert cycle(edges(2)) == []


def test_no_package_within_a_package_does() -> None:
    assert cycle(edges(3)) == []


def test_no_module_does() -> None:
    assert cycle(edges(9)) == []
