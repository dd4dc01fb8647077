"""Every patch has tests of its own, and moto as it is still fails them: a patch that fixes nothing any more shows."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from sandbox.cloud.api.patches import PATCHES

FOLDER = Path(__file__).parent
CHECKOUT = FOLDER.parents[4]
NAMES = [patch.__name__.rpartition(".")[2] for patch in PATCHES]


def marked() -> dict[str, str]:
    """The patch that each test of this folder says it is for, by the test's name; empty where it says none."""
    found = {}
    for file in FOLDER.glob("test_*.py"):
        if file == Path(__file__):
            continue
        for item in ast.parse(file.read_text()).body:
            if isinstance(item, ast.FunctionDef) and item.name.startswith("test_"):
                named = (re.match(r"pytest\.mark\.fixes\('(\w+)'\)", ast.unparse(mark)) for mark in item.decorator_list)
                found[item.name] = next((match[1] for match in named if match), "")
    return found


def test_every_patch_says_which_fault_it_fixes_or_that_it_is_a_limit_of_the_sandbox() -> None:
    def begins(patch: ModuleType) -> bool:
        return (patch.__doc__ or "").startswith(("Fault: ", "Not a fault of moto: "))

    assert [patch.__name__ for patch in PATCHES if not begins(patch)] == []


def test_every_test_of_a_patch_names_it_with_the_mark_fixes() -> None:
    assert [name for name, patch in marked().items() if patch not in NAMES] == []


def test_every_patch_has_a_test() -> None:
    assert sorted(set(NAMES) - set(marked().values())) == []


@pytest.mark.slow
def test_moto_still_has_every_fault_that_is_fixed_here(tmp_path: Path) -> None:
    tests = sorted(marked())
    outcomes = outcomes_without(NAMES, tests, tmp_path / "report.xml")
    assert set(tests) == set(outcomes), "not all tests were run"
    fixed = sorted(name for name, kinds in outcomes.items() if kinds != {"failure"})
    assert fixed == [], "moto may have fixed these: see whether their patch can go (or the test shows no fault)"


def outcomes_without(left_out: list[str], tests: list[str], report: Path) -> dict[str, set[str]]:
    """How the tests end without those patches: `failure`, `error` or `passed`, by the test's name, all parameters."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", f"--junitxml={report}"]
    # The slow ones, too.
    command += ["-m", "fixes", "-k", " or ".join(tests), str(FOLDER)]
    environment = {**os.environ, "QUORATE_WITHOUT_PATCHES": ",".join(left_out)}
    subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True)
    found: dict[str, set[str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case if child.tag in ("failure", "error")}
        found.setdefault(case.attrib["name"].partition("[")[0], set()).update(kinds or {"passed"})
    return found
