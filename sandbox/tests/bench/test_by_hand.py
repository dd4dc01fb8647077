from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.bench import by_hand
from sandbox.bench.program import Program
from sandbox.errors import SandboxError

CHECKOUT = Path(__file__).resolve().parents[3]


def test_a_script_is_cut_at_its_line() -> None:
    script = "check() {\n  true\n}\n\nmain() {\n  begin\n  check\n  end\n}\n"
    assert by_hand.cut(script, "  check\n", "exit 0").splitlines()[4:7] == ["main() {", "  begin", "  exit 0"]
    with pytest.raises(SandboxError, match="'chek' 0 times"):
        by_hand.cut(script, "  chek\n", "exit 0")


def test_every_script_that_is_measured_up_to_a_line_has_that_line_and_comes_back(tmp_path: Path) -> None:
    program = Program.copied_to(tmp_path, "prod", {})
    folder = program.folder / "components/node/scripts"
    before = {path: path.read_text() for path in folder.iterdir()}
    with by_hand.cut_scripts(folder):
        changed = {path.name for path, text in before.items() if path.read_text() != text}
    assert changed == {
        "configure-etcd-member.sh",
        "configure-control-plane.sh",
        "join-worker.sh",
        "apply-network-plugin.sh",
    }
    assert {path: path.read_text() for path in folder.iterdir()} == before


def test_a_setting_of_the_copy_replaces_that_of_the_stack_file_or_goes(tmp_path: Path) -> None:
    program = Program.copied_to(tmp_path, "prod", {})
    program.set("etcd", "topology", "stacked")
    program.set("etcd", "instanceType", None)
    settings = by_hand.settings_of(program.stack_file)
    assert (settings.etcd.topology, settings.control_plane.count) == ("stacked", 3)
    assert by_hand.settings_of(CHECKOUT / "stacks/Pulumi.prod.yaml").etcd.topology == "external"
