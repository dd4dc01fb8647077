"""A wait ends early when the unit fails again and again, with the unit's own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.node.common import log
from components.node.common.failure import Failure, Hopeless
from components.node.common.units import complaints, wait_for_unit
from components.node.common.waiting import NotYet, wait_until
from components.node.etcd.member_remedies import REMEDIES
from tests.components.node.stand_ins import StandIns, stand_ins

# As etcd 3.6.14 writes it to its journal at each start with a torn log, shortened.
TORN = r"""{"level":"info","ts":"2026-11-27T17:00:01Z","caller":"wal/repair.go:96","msg":"repaired"}
{"level":"warn","ts":"2026-11-27T17:00:01Z","caller":"embed/config.go:734","msg":"Running http and grpc server"}
{"level":"panic","ts":"2026-11-27T17:00:02Z","caller":"raft@v3.6.0/log.go:322","msg":"tocommit(15) is out of range"}
panic: tocommit(15) is out of range [lastIndex(4)]. Was the raft log corrupted, truncated, or lost?

goroutine 130 [running]:
go.uber.org/zap/zapcore.CheckWriteAction.OnWrite(0x2, 0xc000?, {0x0?, 0x0?, 0xc0000f7c40?})
	go.uber.org/zap@v1.27.0/zapcore/entry.go:196 +0x54
created by go.etcd.io/raft/v3.StartNode in goroutine 1
	go.etcd.io/raft/v3@v3.6.0/node.go:270 +0x18a
"""
_COUNTING = """case "$call" in
"systemctl show"*)
  n=$(cat "$STAND_INS/restarts" 2>/dev/null || echo 7); echo $((n + 1)) >"$STAND_INS/restarts"
  echo "ActiveState=activating"; echo "NRestarts=$n"; exit 0 ;;
esac"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    programs = stand_ins(tmp_path / "programs", monkeypatch)
    programs.program("journalctl", ("--unit etcd", 0, TORN))
    return programs


def never() -> None:
    raise NotYet("connection refused")


def test_a_unit_that_fails_again_and_again_ends_the_wait_with_its_own_words_and_the_remedy(programs: StandIns) -> None:
    programs.program("systemctl", before=_COUNTING)
    with pytest.raises(Hopeless) as caught:
        wait_for_unit("etcd", 600, "etcd to serve", never, remedies=REMEDIES, every=0.01)
    text = str(caught.value)
    assert "etcd fails again and again on this machine" in text
    assert "tocommit(15) is out of range" in text
    assert "damaged" in text
    assert "mv /var/lib/etcd/data /var/lib/etcd/data.damaged" in text
    assert "goroutine" not in text
    assert "repaired" not in text
    assert len(programs.calls_with("systemctl show")) == 5, "what it failed before the wait does not count"


def test_a_unit_that_systemd_has_given_up_ends_the_wait_but_not_at_the_first_sight(programs: StandIns) -> None:
    programs.program("systemctl", ("show", 0, "ActiveState=failed\nNRestarts=0\n"))
    with pytest.raises(Hopeless, match="fails again and again"):
        wait_for_unit("etcd", 600, "etcd to serve", never, every=0.01)
    assert len(programs.calls_with("systemctl show")) == 2


def test_a_unit_that_runs_is_waited_for_until_the_deadline(programs: StandIns) -> None:
    programs.program("systemctl", ("show", 0, "ActiveState=active\nNRestarts=3\n"))
    with pytest.raises(Failure, match="waited 0s for etcd to serve; the last answer was: connection refused"):
        wait_for_unit("etcd", 0.05, "etcd to serve", never, every=0.01)


def test_a_wait_does_not_go_on_after_what_time_does_not_fix() -> None:
    def hopeless() -> None:
        raise Hopeless("an alarm")

    with pytest.raises(Hopeless, match=r"^an alarm$"):
        wait_until(600, "etcd", hopeless)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"level":"fatal","msg":"discovery failed","error":"member count is unequal"}',
         "fatal: discovery failed: member count is unequal"),
        ("E1127 17:00:01.123456    4321 run.go:72] \"command failed\" err=\"no such file\"",
         'E run.go:72] "command failed" err="no such file"'),
        ('time="2026-11-27T17:00:01Z" level=error msg="no space left on device"',
         'time="2026-11-27T17:00:01Z" level=error msg="no space left on device"'),
        ("I1127 17:00:01.123456    4321 server.go:1] all is well", None),
        ('{"level":"info","msg":"error rate is 0"}', None),
        ("\tgo.etcd.io/raft/node.go:270 +0x18a failed", None),
    ],
)  # fmt: skip
def test_warnings_and_errors_are_found_in_each_form(line: str, expected: str | None) -> None:
    assert list(complaints([line])) == ([expected] if expected else [])


def test_the_same_complaint_is_told_once_and_only_the_last_ones() -> None:
    lines = [f"E1127 17:00:0{n % 10}.000000    1 a.go:1] fault {n % 8}" for n in range(40)]
    assert complaints(lines) == [f"E a.go:1] fault {n}" for n in range(2, 8)]


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("fatal: walpb: crc mismatch", "damaged"),
        ("panic: failed to save hard state: no space left on device", "etcd.volumeGib"),
        ("fatal: cannot open /var/lib/etcd/data/member: permission denied", "may not read its data"),
        ("error: the member has been permanently removed from the cluster", "run pulumi up again"),
    ],
)
def test_each_kind_of_spoilt_disk_has_its_remedy(programs: StandIns, said: str, remedy: str) -> None:
    programs.program("systemctl", ("show", 0, "ActiveState=failed\nNRestarts=0\n"))
    programs.program("journalctl", ("--unit etcd", 0, f"{said}\n"))
    with pytest.raises(Hopeless, match=remedy):
        wait_for_unit("etcd", 600, "etcd to serve", never, remedies=REMEDIES, every=0.01)
