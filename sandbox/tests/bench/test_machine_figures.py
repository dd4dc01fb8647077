from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.bench import machine
from sandbox.bench.control_groups import MachineUse, added, use_of
from sandbox.errors import SandboxError

MEBIBYTE = 1024**2


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_use_of_a_machine_on_control_groups_version_1(tmp_path: Path) -> None:
    write(tmp_path / "cpuacct/quorate/i-1/cpuacct.usage", "24918832980\n")
    write(tmp_path / "memory/quorate/i-1/memory.usage_in_bytes", f"{700 * MEBIBYTE}\n")
    write(
        tmp_path / "memory/quorate/i-1/memory.stat",
        f"rss 7\ntotal_rss {400 * MEBIBYTE}\ntotal_inactive_file {200 * MEBIBYTE}\n",
    )
    use = use_of("i-1", tmp_path)
    assert (use.cpu_seconds, use.anonymous_mib, use.working_set_mib) == (24.91883298, 400, 500)


def test_use_of_a_machine_on_control_groups_version_2(tmp_path: Path) -> None:
    group = tmp_path / "quorate/i-1"
    write(group / "cpu.stat", "usage_usec 1500000\nuser_usec 1000000\n")
    write(group / "memory.current", f"{300 * MEBIBYTE}\n")
    write(group / "memory.stat", f"anon {100 * MEBIBYTE}\nfile 5\ninactive_file {50 * MEBIBYTE}\n")
    use = use_of("i-1", tmp_path)
    assert (use.cpu_seconds, use.anonymous_mib, use.working_set_mib) == (1.5, 100, 250)


def test_a_machine_that_does_not_run_has_no_figures(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        use_of("i-1", tmp_path)


def test_what_several_machines_use_adds_up() -> None:
    assert added([MachineUse(1, 2, 3), MachineUse(10, 20, 30)]) == MachineUse(11, 22, 33)
    assert added([]) == MachineUse(0, 0, 0)


def test_machines_are_sorted_by_their_part_and_their_number() -> None:
    names = {"i-5": "p-control-plane-1", "i-4": "p-control-plane-0", "i-3": "p-etcd-0", "i-2": "p-general"}
    assert machine.sorted_fleet("p", {**names, "i-1": "p-bastion"}) == machine.Fleet(
        etcd=["i-3"], control_planes=["i-4", "i-5"], workers=["i-2"], bastions=["i-1"]
    )


@pytest.mark.parametrize("name", ["", "q-control-plane-0", "p"])
def test_a_machine_of_another_cluster_is_refused(name: str) -> None:
    with pytest.raises(SandboxError, match="no machine of the cluster p"):
        machine.sorted_fleet("p", {"i-1": name})


def test_a_unit_that_never_ran_has_no_time() -> None:
    assert machine.microseconds("ActiveEnterTimestampMonotonic=13612996257\n") == 13612996257
    with pytest.raises(SandboxError, match="ExecMainExitTimestampMonotonic=0"):
        machine.microseconds("ExecMainExitTimestampMonotonic=0\n")


def test_the_first_entry_that_says_it_counts() -> None:
    entries = [
        (500, "prepare-machine: begins"),
        (700, "12:00:00 prepare-machine: done"),
        (900, "prepare-machine: done"),
    ]
    journal = "".join(json.dumps({"__MONOTONIC_TIMESTAMP": str(at), "MESSAGE": said}) + "\n" for at, said in entries)
    assert machine.first_said(journal, "prepare-machine: done") == 700
    with pytest.raises(SandboxError, match="no entry"):
        machine.first_said("", "prepare-machine: done")
