"""Which modules of the node program a machine needs for its steps: those that the steps import. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

from components.node.__main__ import STEPS

_ENTRY = "components.node.__main__"
_IMPORT = re.compile(r"^ *from (components[\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)


def modules_of(steps: Iterable[str]) -> frozenset[str]:
    """The modules behind these steps, by their full names, and all that they import of this project."""
    found = {_ENTRY}
    waiting = [f"components.node.{STEPS[step]}" for step in steps]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _imported_by(module)
    return frozenset(found)


def path_of(module: str) -> str:
    """`components/node/x.py` of `components.node.x`."""
    return f"{module.replace('.', '/')}.py"


@cache
def source_of(module: str) -> str:
    """The text of a module, by its full name."""
    return resources.files("components").joinpath(*path_of(module).split("/")[1:]).read_text()


@cache
def _imported_by(module: str) -> tuple[str, ...]:
    imported = []
    for package, names in _IMPORT.findall(source_of(module)):
        if _is_module(package):
            imported.append(package)
        else:
            imported += [f"{package}.{name.split(' as ')[0]}" for name in re.findall(r"\w+(?: as \w+)?", names)]
    return tuple(imported)


def _is_module(name: str) -> bool:
    return resources.files("components").joinpath(*path_of(name).split("/")[1:]).is_file()
