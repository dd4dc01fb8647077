from __future__ import annotations

from pathlib import Path

import pytest

from operations.stack_files import read_stack
from sandbox.bench import by_hand
from sandbox.bench.program import Program
from sandbox.errors import SandboxError

CHECKOUT = Path(__file__).resolve().parents[3]


def test_a_function_ends_before_its_line() -> None:
    module = "def work() -> None:\n    begin()\n    check()\n    end()\n"
    assert by_hand.cut(module, "    check()\n", "return").splitlines()[1:4] == [
        "    begin()",
        "    return",
        "    check()",
    ]
    with pytest.raises(SandboxError, match=r"'chek\(\)' 0 times"):
        by_hand.cut(module, "    chek()\n", "return")


def test_every_module_that_is_measured_up_to_a_line_has_that_line_and_comes_back(tmp_path: Path) -> None:
    program = Program.copied_to(tmp_path, "prod", {})
    folder = program.folder / "components/node"
    before = {path: path.read_text() for path in folder.rglob("*.py")}
    with by_hand.cut_program(folder):
        after = {path: path.read_text() for path in before}
    changed = {str(path.relative_to(folder)) for path, text in before.items() if after[path] != text}
    assert changed == {
        "etcd/configure.py",
        "control_plane/configure.py",
        "control_plane/endpoint_name.py",
        "worker/join.py",
        "control_plane/network_plugin.py",
    }
    assert [path for path, text in after.items() if not compile(text, str(path), "exec")] == []
    assert {path: path.read_text() for path in before} == before


def test_a_setting_of_the_copy_replaces_that_of_the_stack_file_or_goes(tmp_path: Path) -> None:
    program = Program.copied_to(tmp_path, "prod", {})
    program.set("etcd", "topology", "stacked")
    program.set("etcd", "instanceType", None)
    settings = program.settings
    assert (settings.etcd.topology, settings.control_plane.count) == ("stacked", 3)
    assert read_stack("prod", CHECKOUT / "stacks").settings.etcd.topology == "external"
