"""What programs ask the command line, and what it answers where nothing runs."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from sandbox.cli import main
from sandbox.cloud.drills import FAULTS
from sandbox.cloud.machines import Machines
from sandbox.toolchain import __main__ as toolchain
from sandbox.toolchain.build import binary


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUORATE_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_status_is_an_object_and_its_exit_code_says_that_nothing_runs(
    state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machines, "state", lambda self, instance: "absent")  # runc is asked, which not every host has
    (state / "machines/i-0123").mkdir(parents=True)
    (state / "machines/names.json").write_text(json.dumps({"i-0123": "c-etcd-0"}))
    assert main(["status", "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["supervisor"] is None
    assert told["machines"] == [{"id": "i-0123", "name": "c-etcd-0", "state": "absent", "process": None}]
    assert (told["volumes"], told["faults"]) == ([], [])
    assert Path(told["state"]) == state
    assert {Path(told["log"]).parent, Path(told["requests"]).parents[1]} == {state}
    assert told["substitutions"]


def test_asking_for_the_status_makes_nothing(state: Path) -> None:
    main(["status", "--json"])
    assert not state.exists()


@pytest.mark.parametrize(
    "verb", [["env"], ["env", "--json"], ["fault", "stop", "c-etcd-0"], ["fault", "slow-balancer"]]
)
def test_what_needs_a_running_sandbox_says_how_to_start_one(
    verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(verb) == 1
    assert "start it with `python -m sandbox up`" in capsys.readouterr().err


def test_every_fault_is_in_the_help_and_in_the_documents(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fault", "--help"])
    said, written = capsys.readouterr().out, (Path(__file__).parents[2] / "docs/try.md").read_text()
    for fault in FAULTS:
        assert f"\n  {fault} " in said
        assert re.search(rf"`{fault}[ `]", written), fault


def test_a_machine_that_is_not_there_is_an_error_with_those_that_are(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (state / "machines").mkdir(parents=True)
    (state / "machines/names.json").write_text(json.dumps({"i-0123": "c-etcd-0"}))
    assert main(["ssh", "c-etcd-1", "true"]) == 1
    assert "no machine is called 'c-etcd-1'; machines: c-etcd-0" in capsys.readouterr().err


def asked(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["toolchain", *arguments])
    return toolchain.main()


def test_the_path_of_a_built_command_is_printed_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUORATE_CACHE", str(tmp_path))
    assert asked(monkeypatch, "--path", "etcd/etcdctl") == 1
    assert "run `python -m sandbox.toolchain etcd`" in capsys.readouterr().err
    built = binary("etcd", "etcdctl")
    built.parent.mkdir(parents=True)
    built.touch()
    assert asked(monkeypatch, "--path", "etcd/etcdctl") == 0
    assert capsys.readouterr().out == f"{built}\n"


@pytest.mark.parametrize("path", ["etcd/kubectl", "nothing/etcd", "etcd"])
def test_a_command_that_no_tool_has_is_an_error_with_those_that_there_are(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(monkeypatch, "--path", path) == 1
    assert f"no tool has {path}; there are:" in capsys.readouterr().err
