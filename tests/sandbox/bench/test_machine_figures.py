from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.bench import machine
from sandbox.bench.control_groups import use_of
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


def test_steps_by_hand_are_the_seconds_between_marks() -> None:
    said = "noise\nmark 10.25 begins\nmark 17.50 kubeadm init\nwarning\nmark 20.00 node Ready\n"
    assert machine.steps(said) == {"kubeadm init": 7.25, "node Ready": 2.5}


def test_the_machines_timeline_starts_with_its_boot() -> None:
    units = {"manager": 1_000_000, "ssh": 2_250_000, "cloud-init": 3_500_000}
    assert list(machine.since_boot(units, 3_000_000, 8_000_000).values()) == [1.25, 2.5, 5.0]


def test_a_unit_that_never_ran_has_no_time() -> None:
    assert machine.microseconds("ActiveEnterTimestampMonotonic=13612996257\n") == 13612996257
    with pytest.raises(SandboxError, match="ExecMainExitTimestampMonotonic=0"):
        machine.microseconds("ExecMainExitTimestampMonotonic=0\n")


def test_a_job_lasts_from_its_first_to_its_last_journal_entry() -> None:
    journal = "".join(json.dumps({"__MONOTONIC_TIMESTAMP": str(time)}) + "\n" for time in (500, 700, 900))
    assert machine.job_span(journal) == (500, 900)
    with pytest.raises(SandboxError, match="0 entries"):
        machine.job_span("")


def test_the_manifest_by_hand_is_the_programs_own() -> None:
    checkout = Path(__file__).resolve().parents[3]
    manifest = machine.network_plugin_manifest(checkout / "stacks/Pulumi.education.yaml", "api.example.org")
    assert "kube-flannel-ds" in manifest
    assert "api.example.org" in manifest
