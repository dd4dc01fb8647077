from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sandbox.bench import footprint, leftovers

PROCESSES = {
    2: (1, "python -m sandbox.supervisor\n0::/"),
    3: (2, "runc run i-1\n0::/"),
    4: (3, "systemd\n0::/quorate/i-1/init.scope"),
    5: (1, "kubelet\n0::/quorate/i-1/system.slice"),
    6: (1, "kubelet of somebody else\n0::/docker/1"),
}


def test_descendants_are_found_at_any_depth() -> None:
    assert footprint.descendants_of(2, PROCESSES) == {3, 4}
    assert footprint.descendants_of(6, PROCESSES) == set()


def test_processes_belong_by_command_line_or_control_group() -> None:
    assert footprint.belonging_processes(PROCESSES, ("/quorate/i-",)) == {4, 5}


def test_the_parent_is_read_past_a_command_with_spaces_and_brackets() -> None:
    assert footprint.parent_in("30730 (a (b) c) S 17 30730 30730 0") == 17


def test_a_field_of_a_process_status_is_a_number_or_an_error() -> None:
    status = "Name:\tpython\nVmRSS:\t  224680 kB\nThreads:\t12\n"
    assert footprint.field_in(status, "VmRSS") == 224680
    assert footprint.field_in(status, "Threads") == 12
    with pytest.raises(KeyError):
        footprint.field_in(status, "VmSwap")


def test_cpu_time_counts_the_process_and_the_children_it_waited_for() -> None:
    fields = ["S", *(["0"] * 10), "100", "50", "30", "20", "0"]
    assert footprint.cpu_seconds_in(f"7 (a b) {' '.join(fields)}", 100) == 2


def test_only_rules_count_as_rules() -> None:
    listed: dict[str, list[dict[str, object]]] = {
        "nftables": [{"metainfo": {}}, {"table": {}}, {"chain": {}}, {"rule": {}}, {"rule": {}}]
    }
    assert footprint.count_rules(json.dumps(listed)) == 2


def test_this_process_is_among_all_with_its_parent() -> None:
    parent, text = footprint.all_processes()[os.getpid()]
    assert parent == os.getppid()
    assert "python" in text


def test_disk_counts_what_is_written_and_not_the_size_of_sparse_files(tmp_path: Path) -> None:
    with (tmp_path / "sparse.img").open("wb") as file:
        os.truncate(file.fileno(), 1024**3)
    assert footprint.disk_kib(tmp_path) < 1024
    assert footprint.disk_kib(tmp_path / "absent") == 0


def test_the_report_shows_the_first_and_the_last_run_and_what_grew() -> None:
    runs = [leftovers.Run(60, 50, {"containers": 0, "memory, KiB": 100 + n}) for n in (0, 7, 30)]
    text = leftovers.report({"containers": 0, "memory, KiB": 80}, runs)
    assert "after run 3" in text
    assert "| memory, KiB | 80 | 100 | 130 | +30 |" in text
    assert "| containers | 0 | 0 | 0 | +0 |" in text
