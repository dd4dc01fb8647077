"""`python -m operations status`: whom it asks, what it prints, and how it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from operations.cli import main
from operations.status import command
from tests.components.settings.stack_files import CHECKOUT
from tests.operations.programs import machines_here, program, script
from tests.operations.status.observations import plan

MIB = 1024**2
PLANNED = plan("education").founder.address
EXPORTED = {
    "machines": {"control-plane-0": "198.51.100.3", "bastion": "198.51.100.4"},
    "sshPrivateKey": "KEY\n",
    "sshKnownHosts": "known\n",
}


def machine(address: str) -> dict[str, Any]:
    """What the only machine of `education` prints when all is well."""
    status = {"id": "a", "leader": "a", "version": "3.6.8", "bytes": 5 * MIB, "usedBytes": MIB, "revision": 7}
    known = [{"id": "a", "name": "control-plane-0", "address": address, "isLearner": False}]
    return {
        "cluster": "education",
        "clock": "",
        "awaitsReboot": False,
        "failedUnits": [],
        "disks": [{"path": "/", "why": "", "bytes": 30 * MIB, "freeBytes": 20 * MIB}],
        "certificates": [{"path": "/a.crt", "why": "", "holder": "CN=a", "expires": "2099-01-01T00:00:00Z"}],
        "member": {"why": "", "status": {**status, "quotaBytes": 2048 * MIB}, "known": known, "fsyncSeconds": 0.002},
        "apiServer": "",
        "snapshots": {},
        "restoreSince": "",
    }


NODE = {
    "name": "control-plane-0", "pool": "", "ready": "True", "reason": "KubeletReady", "provider_id": "",
    "version": "v1.36.4", "unschedulable": "", "conditions": "Ready",
}  # fmt: skip
CLUSTER = {"nodes": [NODE], "workloads": [], "pods": [], "targets": [], "targetsWhy": ""}
Stand = Callable[[dict[str, Any] | None, dict[str, Any]], None]


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Sets what the stack's machine prints for `observe` and `observe-cluster`; None: no such step is known there."""
    program(tmp_path, "pulumi", json.dumps(EXPORTED))
    machines_here(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(command, "PROGRAM", str(tmp_path / "quorate-node"))

    def set_to(observed: dict[str, Any] | None, cluster: dict[str, Any]) -> None:
        (tmp_path / "observe").write_text(json.dumps(observed))
        (tmp_path / "observe-cluster").write_text(json.dumps(cluster))
        known = "exit 2" if observed is None else f"echo 12:00:00 a line of its log; cat {tmp_path}/$1"
        script(tmp_path, "quorate-node", f"{known}\n")

    return set_to


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[[], tuple[int, str, str]]:
    def called() -> tuple[int, str, str]:
        code = main(["status", "--stack", "education", "--stacks", str(CHECKOUT / "stacks")])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return called


Run = Callable[[], tuple[int, str, str]]


def test_a_stack_that_is_well_ends_with_0(says: Stand, run: Run) -> None:
    says(machine(PLANNED), CLUSTER)
    code, out, err = run()
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "stack education: all is well"
    assert "control-plane-0  3.6.8    leader  5.0 MiB   1.0 MiB  2048.0 MiB  7         up to 2 ms" in out


def test_a_problem_is_told_last_and_ends_with_1_and_a_warning_with_0(says: Stand, run: Run) -> None:
    observed = machine(PLANNED)
    says({**observed, "awaitsReboot": True}, CLUSTER)
    code, out, _ = run()
    assert code == 0
    assert out.splitlines()[-2:] == [
        "warning: control-plane-0: updates wait for a reboot",
        "stack education: it works, with the warnings above",
    ]
    says({**observed, "awaitsReboot": True}, {**CLUSTER, "nodes": [{**NODE, "ready": "Unknown"}]})
    code, out, _ = run()
    assert code == 1
    assert out.splitlines()[-1] == "problem: node control-plane-0 is not Ready: KubeletReady"


def test_an_api_server_that_is_not_ready_is_not_asked_for_its_nodes(says: Stand, run: Run) -> None:
    says({**machine(PLANNED), "apiServer": "connection refused"}, {})
    code, out, _ = run()
    assert code == 1
    assert "problem: control-plane-0: the API server is not ready: connection refused" in out
    assert "problem: nodes and pods are not known: no API server is ready" in out


def test_one_that_is_ready_and_then_says_nothing_is_told(says: Stand, run: Run) -> None:
    says(machine(PLANNED), {"nodes": 7})
    code, out, _ = run()
    assert code == 1
    assert "nodes and pods are not known: control-plane-0 answered with something else than evidence" in out


@pytest.mark.parametrize("missing", ["cluster", "member", "disks"])
def test_what_is_no_evidence_is_told_with_what_to_do(missing: str, says: Stand, run: Run) -> None:
    observed = machine(PLANNED)
    del observed[missing]
    says(observed, CLUSTER)
    code, out, _ = run()
    assert code == 1
    assert "control-plane-0 answered with something else than evidence" in out
    assert "run `pulumi up`" in out


def test_a_machine_with_an_earlier_release_is_told_as_such(says: Stand, run: Run) -> None:
    says(None, CLUSTER)
    code, out, _ = run()
    assert code == 1
    assert "control-plane-0 has an earlier release of the program, without `observe`: run `pulumi up` first" in out


@pytest.mark.usefixtures("says")
def test_a_stack_that_is_not_up_is_told(run: Run, tmp_path: Path) -> None:
    program(tmp_path, "pulumi", "{}")
    code, _, err = run()
    assert (code, err) == (1, "error: the stack is not up: run `pulumi up` first\n")
