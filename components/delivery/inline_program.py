"""Modules of the node program as one text for `python3 -c`: for what runs before any file is on a machine. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

from components.delivery.boot_sources import without_comments

# In the order in which they import each other.
_HOST_KEY_MODULES = ("common.failure", "common.https", "common.waiting", "common.aws", "boot.host_key")
_BEGIN = """\
import sys, types
def add(name, source):
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
"""


def inline_program(sources: Mapping[str, str], entry: str) -> str:
    """A program that makes modules of `sources`, by name and in order, and runs `main(arguments)` of the one `entry`.

    The sources stand in it line by line, so that a preview shows the lines that change and compression finds the same
    lines in files. Raises ValueError for a source that can't be quoted so.
    """
    if entry not in sources:
        raise ValueError(f"{entry} is none of the modules: {', '.join(sources)}")
    parts = [_BEGIN]
    for name, source in sources.items():
        if "'''" in source or not source.endswith("\n") or source.endswith("\\\n"):
            raise ValueError(f"{name} has three single quotes, or does not end with a plain newline")
        parts.append(f"add({name!r}, r'''{source}''')\n")
    return "".join([*parts, f"sys.exit(sys.modules[{entry!r}].main(sys.argv[1:]))\n"])


@cache
def host_key_program() -> str:
    """The program that fetches the SSH host key; its argument is the parameter's name."""
    sources = {f"components.node.{name}": _source(name) for name in _HOST_KEY_MODULES}
    return inline_program(sources, "components.node.boot.host_key")


def _source(module: str) -> str:
    *folders, name = module.split(".")
    text = resources.files("components.node").joinpath(*folders, f"{name}.py").read_text()
    return without_comments(f"{name}.py", text)
