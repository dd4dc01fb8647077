"""The product's tests stand without the sandbox: they reach it by its command line, and need none of its libraries."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
OURS = ("components", "operations", "policies", "pricing", "tests")


def imported(folder: str) -> Iterator[tuple[Path, str]]:
    """Each module that a file of the folder imports, anywhere in it."""
    for file in sorted((CHECKOUT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield file, node.module
            elif isinstance(node, ast.Import):
                yield from ((file, name.name) for name in node.names)


def locked() -> set[str]:
    lines = (CHECKOUT / "requirements-dev.txt").read_text().splitlines()
    return {found[1] for line in lines if (found := re.match(r"([a-z0-9.-]+)==", line))}


def test_nothing_outside_of_the_sandbox_imports_it() -> None:
    found = [
        f"{file.relative_to(CHECKOUT)}: {module}"
        for folder in OURS
        for file, module in imported(folder)
        if module.split(".")[0] == "sandbox"
    ]
    assert found == []


def test_the_tests_import_nothing_that_the_products_own_requirements_lack() -> None:
    distributions = packages_distributions()
    lacking = {
        f"{file.relative_to(CHECKOUT)}: {module}"
        for file, module in imported("tests")
        if (top := module.split(".")[0]) not in (*sys.stdlib_module_names, *OURS)
        and not {re.sub("[._]", "-", name.lower()) for name in distributions.get(top, ())} & locked()
    }
    assert lacking == set()
