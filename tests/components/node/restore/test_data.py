"""etcd's data on its disk while it is exchanged: from wherever a run was cut off, the next one ends the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.node.common import log
from components.node.common.failure import Failure
from components.node.etcd.snapshot.programs import Programs
from components.node.restore.data import NewMember, RestoredData, set_aside_by
from tests.components.node.restore.restoring import ID, content, has_data, programs
from tests.components.node.stand_ins import StandIns

MEMBER = NewMember("etcd-0", {"etcd-1": "10.0.0.11", "etcd-0": "10.0.0.10"}, "test-restore-1", 5)


@pytest.fixture(autouse=True)
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    return programs(tmp_path / "programs", monkeypatch)


@pytest.fixture
def data(tmp_path: Path) -> RestoredData:
    disk = tmp_path / "disk"
    disk.mkdir()
    return RestoredData(ID, "etcd:etcd", disk)


def fetched(path: Path) -> None:
    path.write_text("a snapshot")


def test_all_members_begin_as_one_new_cluster_beyond_every_revision_that_was_seen(
    data: RestoredData, called: StandIns
) -> None:
    data.prepare(MEMBER, fetched, Programs())
    (call,) = called.calls_with("etcdutl")
    assert "--name=etcd-0 " in call
    assert "--initial-cluster=etcd-0=https://10.0.0.10:2380,etcd-1=https://10.0.0.11:2380 " in call
    assert "--initial-cluster-token=test-restore-1 " in call
    assert "--initial-advertise-peer-urls=https://10.0.0.10:2380 " in call
    assert call.endswith("--bump-revision=5 --mark-compacted")
    assert content(data.restored) == "restored"
    assert called.calls_with("chown") == [f"chown --recursive etcd:etcd {data.work}/unfinished"]
    assert not (data.work / "etcd.db").exists()
    assert (data.restored.stat().st_mode & 0o777, data.work.stat().st_mode & 0o777) == (0o700, 0o700)


def test_a_stacked_member_stays_roots(data: RestoredData, called: StandIns) -> None:
    RestoredData(ID, "", data.disk).prepare(MEMBER, fetched, Programs(), ("--skip-hash-check",))
    assert called.calls_with("chown") == []
    assert called.calls_with("etcdutl")[0].endswith(" --skip-hash-check")


def test_what_is_prepared_is_not_prepared_again(data: RestoredData, called: StandIns) -> None:
    for _ in range(2):
        data.prepare(MEMBER, fetched, Programs())
    has_data(data.disk)
    data.take()
    data.prepare(MEMBER, fetched, Programs())
    assert len(called.calls_with("etcdutl")) == 1


def test_what_a_run_that_was_cut_off_has_left_is_made_anew(data: RestoredData) -> None:
    def cut_off(path: Path) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data.prepare(MEMBER, cut_off, Programs())
    (data.work / "unfinished").mkdir()
    assert not data.is_prepared
    data.prepare(MEMBER, fetched, Programs())
    assert content(data.restored) == "restored"


def test_a_snapshot_that_cannot_be_restored_leaves_the_data_alone(data: RestoredData, called: StandIns) -> None:
    called.program("etcdutl", ("snapshot restore", 1, "expected sha256, got another"))
    has_data(data.disk)
    with pytest.raises(Failure, match="expected sha256"):
        data.prepare(MEMBER, fetched, Programs())
    assert content(data.data) == "before"
    with pytest.raises(Failure, match="was not restored on this machine yet"):
        data.take()


@pytest.mark.parametrize("had_data", [True, False])
def test_data_is_exchanged_and_put_back_and_none_of_it_is_deleted(data: RestoredData, had_data: bool) -> None:
    if had_data:
        has_data(data.disk)
    data.prepare(MEMBER, fetched, Programs())
    for _ in range(2):
        data.take()
        assert content(data.data) == "restored"
        assert set_aside_by(data.disk) == {ID: had_data}
    for _ in range(2):
        assert data.put_back() is had_data
    assert content(data.undone) == "restored"
    assert set_aside_by(data.disk) == {}
    assert not had_data or content(data.data) == "before"


def test_a_run_that_was_cut_off_between_both_renames_goes_on(data: RestoredData) -> None:
    has_data(data.disk)
    data.prepare(MEMBER, fetched, Programs())
    data.data.rename(data.before)
    data.take()
    assert (content(data.data), content(data.before)) == ("restored", "before")
    data.data.rename(data.undone)
    assert data.put_back()
    assert (content(data.data), content(data.undone)) == ("before", "restored")


def test_data_that_something_else_has_made_meanwhile_is_not_touched(data: RestoredData) -> None:
    has_data(data.disk)
    data.prepare(MEMBER, fetched, Programs())
    data.data.rename(data.before)
    has_data(data.disk, "made meanwhile")
    with pytest.raises(Failure, match=r"something made .* meanwhile"):
        data.take()
    assert content(data.data) == "made meanwhile"


def test_data_that_is_gone_is_said_to_be(data: RestoredData) -> None:
    data.before.mkdir()
    with pytest.raises(Failure, match="is gone: go back"):
        data.take()


def test_a_name_that_is_taken_stops_it(data: RestoredData) -> None:
    has_data(data.disk)
    data.prepare(MEMBER, fetched, Programs())
    data.take()
    data.undone.mkdir()
    with pytest.raises(Failure, match="is there already, from another time"):
        data.put_back()
    assert content(data.data) == "restored"


def test_what_was_made_for_it_is_removed_and_what_was_there_before_stays(data: RestoredData) -> None:
    has_data(data.disk)
    data.prepare(MEMBER, fetched, Programs())
    data.take()
    for _ in range(2):
        data.clear()
    assert sorted(path.name for path in data.disk.iterdir()) == ["data", f"data.before-restore-{ID}"]


def test_what_cannot_be_removed_is_named(data: RestoredData) -> None:
    data.work.write_text("a file where a folder was")
    with pytest.raises(Failure, match="remove it by hand, it holds etcd's data"):
        data.clear()
