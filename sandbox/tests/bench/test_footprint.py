from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sandbox.bench import footprint, leftovers

PARENTS = {2: 1, 3: 2, 4: 3, 5: 1, 6: 1}


def test_descendants_are_found_at_any_depth() -> None:
    assert footprint.descendants_of(2, PARENTS) == {3, 4}
    assert footprint.descendants_of(6, PARENTS) == set()


def test_memory_is_that_of_the_process_and_nothing_of_one_that_is_gone() -> None:
    assert footprint.memory_kib(os.getpid()) > 1024
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert footprint.memory_kib(ended.pid) == 0


def test_cpu_time_counts_the_process_and_the_children_it_waited_for() -> None:
    fields = ["S", *(["0"] * 10), "100", "50", "30", "20", "0"]
    assert footprint.cpu_seconds_in(f"7 (a b) {' '.join(fields)}", 100) == 2


def test_this_process_is_among_all_with_its_parent() -> None:
    assert footprint.parents()[os.getpid()] == os.getppid()


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
