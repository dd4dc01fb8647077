"""The programs whose previews are compared, and the table. No preview is run here."""

from __future__ import annotations

import ast
from pathlib import Path

from sandbox.bench.preview import EMPTY, PLAIN, WITH_POLICIES, Preview, cases, report
from sandbox.paths import CHECKOUT


def test_the_empty_program_has_the_plugins_of_the_program_and_no_resource(tmp_path: Path) -> None:
    made = cases(tmp_path, {})
    program = made[EMPTY].program.folder / "__main__.py"
    called = {node.func.attr for node in ast.walk(ast.parse(program.read_text())) if isinstance(node, ast.Call)}  # type: ignore[attr-defined]
    assert called == {"Provider"}
    used = {
        line.split()[1].split(".")[0]
        for file in (made[PLAIN].program.folder / "components").rglob("*.py")
        for line in file.read_text().splitlines()
        if line.startswith(("import pulumi_", "from pulumi_"))
    }
    assert used == {line.split()[1] for line in program.read_text().splitlines() if line.startswith("import ")}


def test_only_the_one_with_policies_has_options_and_the_pack_lies_beside_it(tmp_path: Path) -> None:
    made = cases(tmp_path, {})
    assert {name for name, case in made.items() if case.options} == {WITH_POLICIES}
    assert (made[WITH_POLICIES].program.folder / "policies" / "PulumiPolicy.yaml").exists()
    named = {
        node.module.split(".")[0]
        for file in (made[WITH_POLICIES].program.folder / "policies").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    own = {path.name for path in CHECKOUT.iterdir() if path.is_dir()}
    there = {path.name for path in made[WITH_POLICIES].program.folder.iterdir()}
    assert named & own <= there, "all that the pack imports"
    assert made[WITH_POLICIES].program is made[PLAIN].program, "else it would not be the same preview"


def test_ratios_are_those_of_each_run(tmp_path: Path) -> None:
    taken = {
        EMPTY: [Preview(2.0, 1.0), Preview(4.0, 2.0)],
        PLAIN: [Preview(3.0, 3.0), Preview(8.0, 6.0)],
        WITH_POLICIES: [Preview(3.0, 3.0), Preview(8.0, 6.0)],
    }
    rows = report(taken).splitlines()
    assert "1.8 (1.5 to 2.0) | 3.0 (3.0 to 3.0)" in rows[-2]
    assert "1.0 (1.0 to 1.0) | 1.0 (1.0 to 1.0)" in rows[-1]
