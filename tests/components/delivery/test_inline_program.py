"""Modules as one text: it runs without any of their files, and refuses what it could not quote."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from components.delivery.inline_program import host_key_program, inline_program

TOP = "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int = 7\n"
MAIN = "from parts.top import Point\ndef main(arguments):\n    print(Point().x, r'\\n', *arguments)\n    return 3\n"


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", "-c", program, *arguments], capture_output=True, text=True)


def test_modules_import_each_other_and_the_entry_gets_the_arguments_and_gives_the_exit_code() -> None:
    outcome = run(inline_program({"parts.top": TOP, "parts.main": MAIN}, "parts.main"), "one", "two words")
    assert (outcome.returncode, outcome.stdout) == (3, "7 \\n one two words\n"), outcome.stderr


def test_a_traceback_names_the_module_and_its_line() -> None:
    outcome = run(inline_program({"parts.main": "def main(arguments):\n    return 1 / 0\n"}, "parts.main"))
    assert 'File "parts.main", line 2, in main' in outcome.stderr


@pytest.mark.parametrize("source", ["x = '''a'''\n", "x = 1", "x = 1 + \\\n"])
def test_a_source_that_cannot_be_quoted_is_refused_by_its_name(source: str) -> None:
    with pytest.raises(ValueError, match=r"parts\.main"):
        inline_program({"parts.main": source}, "parts.main")


def test_an_entry_that_is_no_module_is_refused() -> None:
    with pytest.raises(ValueError, match=r"parts\.other is none of the modules: parts\.top"):
        inline_program({"parts.top": TOP}, "parts.other")


def test_the_host_keys_program_brings_all_that_it_imports() -> None:
    tree = ast.parse(host_key_program())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "add"]
    sources = {ast.literal_eval(call.args[0]): ast.literal_eval(call.args[1]) for call in calls}
    imported = {
        node.module
        for source in sources.values()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("components")
    }
    assert imported <= set(sources)
