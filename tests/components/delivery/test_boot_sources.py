"""Program text without comments is the same program, and modules come with all that they import."""

from __future__ import annotations

import ast
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from components.delivery.boot_sources import needed_modules, without_comments

NODE = Path(__file__).parents[3] / "components" / "node"
MODULES = sorted(NODE.rglob("*.py"))
SCRIPTS = sorted(NODE.rglob("*.sh"))


def name(path: Path) -> str:
    return str(path.relative_to(NODE))


class NoDocstringsAndTypes(ast.NodeTransformer):
    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, ast.Module):
            node.body = [each for each in node.body if not isinstance(each, ast.ImportFrom)]
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        body = getattr(node, "body", None)
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and ast.get_docstring(node) is not None
            and body
        ):
            node.body = node.body[1:]
        return node


def program(text: str) -> str:
    return ast.dump(NoDocstringsAndTypes().visit(ast.parse(text)))


def imported(text: str) -> set[str]:
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports for alias in node.names if node.module != "__future__"}


class NoTypes(NoDocstringsAndTypes):
    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        return node.value


def used_when_it_runs(text: str) -> set[str]:
    return {node.id for node in ast.walk(NoTypes().visit(ast.parse(text))) if isinstance(node, ast.Name)}


def lines_beside_signatures(text: str) -> set[str]:
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    signatures = {number for one in functions for number in range(one.lineno, one.body[0].lineno)}
    return {line for number, line in enumerate(text.splitlines(), 1) if number not in signatures}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_without_comments_is_the_same_program(path: Path) -> None:
    text = path.read_text()
    short = without_comments(str(path), text)
    compile(short, str(path), "exec")
    assert program(short) == program(text)
    assert imported(text) & used_when_it_runs(text) <= imported(short)
    assert lines_beside_signatures(short) <= set(text.splitlines()), "no line is changed but for types"
    assert not [line for line in short.splitlines() if line.lstrip().startswith("# ")]


def test_types_of_functions_go_and_those_of_fields_which_make_a_dataclass_stay() -> None:
    text = (
        'class A:\n    x: int = 1\n\n    def f(self, ä: str = "ü", *b: int, c: int = 2) -> list[int]:\n        pass\n'
    )
    short = 'class A:\n    x: int = 1\n    def f(self, ä = "ü", *b, c = 2):\n        pass\n'
    assert without_comments("a.py", text) == short


def test_an_import_that_only_types_need_goes_with_them() -> None:
    text = "from __future__ import annotations\nfrom a import B, C\nfrom d import E\n\nx: B = E()\ny: C\n"
    short = "from __future__ import annotations\nfrom d import E\nx: B = E()\ny: C\n"
    assert without_comments("a.py", text) == short


def test_what_looks_like_a_comment_in_a_text_stays() -> None:
    text = '"""About."""\nTEXT = """first\n\n# second\n"""\n# gone\nx = f"""\n\n# {TEXT}\n"""  # stays\n'
    assert without_comments("a.py", text) == 'TEXT = """first\n\n# second\n"""\nx = f"""\n\n# {TEXT}\n"""  # stays\n'


def test_a_body_that_is_only_a_docstring_stays_a_body() -> None:
    text = 'class Failure(Exception):\n    """Ends a step."""\n'
    assert without_comments("a.py", text) == text


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_a_script_without_comments_is_a_script(path: Path) -> None:
    short = without_comments(str(path), path.read_text())
    assert subprocess.run(["bash", "-n"], input=short, text=True, capture_output=True).stderr == ""
    assert len(short) < len(path.read_text())


def test_a_file_that_a_script_writes_keeps_its_comments_and_blank_lines() -> None:
    text = "#!/bin/bash\n# gone\n\ncat <<'TOML'\n# stays\n\nTOML\n# gone\ngrep <<<\"x\" y\n# gone\necho\n"
    short = "#!/bin/bash\ncat <<'TOML'\n# stays\n\nTOML\ngrep <<<\"x\" y\necho\n"
    assert without_comments("a.sh", text) == short


def test_a_script_that_is_only_sourced_loses_its_first_comment_too() -> None:
    assert without_comments("a.sh", "# shellcheck shell=bash\nreadonly A=1\n") == "readonly A=1\n"
    assert without_comments("a.sh", "readonly A=1\n# gone\n") == "readonly A=1\n"


def test_other_files_stay_as_they_are() -> None:
    assert without_comments("kubeadm.yaml", "# why\na: 1\n") == "# why\na: 1\n"


@pytest.mark.parametrize("name", ["a.service", "order.conf", "99-kubernetes.conf"])
def test_units_and_kernel_parameters_lose_their_comments_alone(name: str) -> None:
    text = "# why\n[Unit]\n\n# and what for\nExecStart=/bin/a # not one\n"
    assert without_comments(name, text) == "[Unit]\nExecStart=/bin/a # not one\n"


def test_modules_come_with_all_that_they_import_and_nothing_else() -> None:
    sources: Mapping[str, str] = {
        "components.node.a": "from components.node.b import f\nimport json\n",
        "components.node.b": "from components.node import c\nfrom components.node.a import g\n",
        "components.node.c": "",
        "components.node.other": "",
    }
    assert needed_modules(["components.node.a"], sources.get) == (
        "components.node.a", "components.node.b", "components.node.c",
    )  # fmt: skip
