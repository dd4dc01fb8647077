"""How failed seconds are counted, told and recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cluster.availability import Attempt, Seen, Watch
from tests.cluster.fault_figures import Figures


def attempts(errors: str, start: float = 100.0) -> list[Attempt]:
    """A second for each letter: `.` succeeded, `w` failed to write, `r` to read."""
    said = {".": "", "w": "write: TimeoutError", "r": "read: TimeoutError"}
    return [Attempt(start + n, f"object-{n}", said[letter], 0.1) for n, letter in enumerate(errors)]


def test_failed_seconds_are_counted_with_their_longest_run_and_the_last() -> None:
    seen = Seen(attempts(".ww.rrr..w.."), made=101.0)
    assert (len(seen.failed), seen.longest_run, seen.last_failure) == (6, 3, 8.0)
    assert str(seen) == "6 s (3 in a row, the last after 8 s)"
    assert str(Seen(attempts("....."), made=100.0)) == "0 s"


def test_what_was_written_counts_as_written_though_it_could_not_be_read() -> None:
    assert Seen(attempts(".wr"), made=100.0).written == {"object-0", "object-2"}


def test_what_is_seen_counts_from_the_last_that_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch({"worker": attempts("ww..r.")})
    moments = iter((102.5, 103.5))
    monkeypatch.setattr("tests.cluster.availability.time.time", lambda: next(moments))
    with watch.making():
        pass
    seen = watch.seen()["worker"]
    assert [attempt.at for attempt in seen.failed] == [104.0]
    assert seen.last_failure == 0.5
    assert watch.written() == {"object-2", "object-3", "object-4", "object-5"}


def test_a_watch_that_never_comes_to_rest_fails_with_the_last_error() -> None:
    watch = Watch({"worker": attempts("..w")}, began=100.0, made=100.0)
    with pytest.raises(AssertionError, match=r"no 5 s without failure in 0 s: .*write: TimeoutError"):
        watch.until_well(quiet=5, within=0)


def test_figures_replace_those_of_the_same_failure_and_shape_alone(tmp_path: Path) -> None:
    def row(failure: str, members: int) -> dict[str, object]:
        shape = {"control_planes": 3, "topology": "external", "members": members}
        return {"failure": failure, **shape, "took": "old", "source": "", "recorded": "2026-01"}

    file = tmp_path / "measurements.json"
    old = [row("zone-cut-off", 3), row("zone-cut-off", 5), row("target-flapping", 3)]
    file.write_text(json.dumps({"about": "what", "drills": old}))
    figures = Figures()
    figures.add("zone-cut-off", "cut off", {"worker": Seen(attempts("w....."), 100.0)})
    figures.note("zone-cut-off", "its nodes were NotReady")
    figures.record(file)
    recorded = json.loads(file.read_text())
    assert recorded["about"] == "what"
    told = "cut off: worker 1 s (1 in a row, the last after 0 s); its nodes were NotReady"
    assert [(drill["failure"], drill["members"], drill["took"]) for drill in recorded["drills"]] == [
        ("zone-cut-off", 3, told), ("zone-cut-off", 5, "old"), ("target-flapping", 3, "old"),
    ]  # fmt: skip
    assert told in figures.table()
