"""What user data leaves out of programs, and that they do the same without it."""

from __future__ import annotations

import ast
import re

import pytest

from components.delivery.node_files import role_files
from components.delivery.slim import slim
from components.plan import Role

SOURCE = '''"""About."""

import os  # why


class Failed(Exception):
    """Ends it."""


def ask(text: str = "# no comment") -> str:
    """Asks."""
    # The reason.
    answer = """several

    # lines
"""
    return answer + text
'''

PROGRAMS = sorted(
    {
        (file.path, file.content)
        for role in (Role.CONTROL_PLANE, Role.ETCD, Role.WORKER)
        for file in role_files(role, etcd_volume=True)
        if file.path.endswith((".py", ".sh"))
    }
)


def without_docstrings(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


def test_comments_docstrings_and_empty_lines_go_and_texts_stay() -> None:
    assert slim("x.py", SOURCE) == (
        "import os\n"
        "class Failed(Exception):\n"
        "    pass\n"
        'def ask(text: str = "# no comment") -> str:\n'
        '    answer = """several\n'
        "\n"
        "    # lines\n"
        '"""\n'
        "    return answer + text\n"
    )


@pytest.mark.parametrize(("path", "content"), [(p, c) for p, c in PROGRAMS if p.endswith(".py")])
def test_a_slim_module_is_the_same_program(path: str, content: str) -> None:
    assert ast.dump(ast.parse(slim(path, content))) == without_docstrings(content)


@pytest.mark.parametrize(("path", "content"), [(p, c) for p, c in PROGRAMS if p.endswith(".sh")])
def test_no_script_has_a_text_whose_lines_look_like_comments(path: str, content: str) -> None:
    for text in re.findall(r"<<'?(\w+)'?\n(.*?)\n\1\n", content, re.DOTALL):
        assert not re.search(r"^ *#(?!!)|\n\n\n", text[1], re.MULTILINE), path
    assert slim(path, content).startswith("#!") or path.endswith("common.sh")


def test_other_files_are_left_as_they_are() -> None:
    assert slim("/etc/quorate/kubeadm.yaml", "# a comment\n\na: b\n") == "# a comment\n\na: b\n"
