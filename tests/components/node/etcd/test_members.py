"""configure-etcd-member with real etcd: made at once, lost and found, lost with the disk, changed one by one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.node.etcd.etcd_machines import EtcdMachine, configure_all, make_authority

pytestmark = [pytest.mark.engine, pytest.mark.drill]

# Members listen on etcd's own ports, so tests that run side by side need addresses of their own.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
ADDRESSES = {f"etcd-{n}": f"127.79.{_WORKER}.{10 + n}" for n in range(3)}


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[list[EtcdMachine]]:
    """Three members of a cluster that serves, with something in it."""
    make_authority(tmp_path / "authority")
    machines = [EtcdMachine(name, address, tmp_path / name, ADDRESSES) for name, address in ADDRESSES.items()]
    try:
        for machine in machines:
            machine.prepare(tmp_path / "authority")
        for outcome in configure_all(machines):
            assert outcome.returncode == 0, outcome.stdout
        machines[0].etcdctl("put", "precious", "data")
        yield machines
    finally:
        for machine in machines:
            machine.stop()


def starts(machine: EtcdMachine) -> int:
    return len((machine.folder / "starts").read_text().splitlines())


def soon(machine: EtcdMachine, *arguments: str) -> str:
    """The others may have to elect a leader first, and etcd takes no new member until it has been well a while."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(subprocess.CalledProcessError):
            return machine.etcdctl(*arguments)
        time.sleep(0.5)
    return machine.etcdctl(*arguments)


def test_members_made_at_once_form_one_cluster_and_a_second_run_leaves_them_alone(machines: list[EtcdMachine]) -> None:
    assert set(machines[0].member_ids()) == set(ADDRESSES.values())
    assert [outcome.returncode for outcome in configure_all(machines)] == [0, 0, 0]
    assert [starts(machine) for machine in machines] == [1, 1, 1]


def test_a_lost_machine_comes_back_as_the_same_member_with_its_data(machines: list[EtcdMachine]) -> None:
    before = machines[0].member_ids()
    machines[1].lose()
    soon(machines[0], "put", "meanwhile", "more")
    machines[1].prepare(machines[1].folder.parent / "authority")
    outcome = machines[1].configure()
    assert outcome.returncode == 0, outcome.stdout
    assert machines[1].member_ids() == before
    assert "more" in machines[1].etcdctl("get", "meanwhile")


def test_a_member_without_its_disk_enters_again_while_the_others_are_well(machines: list[EtcdMachine]) -> None:
    before = machines[0].member_ids()
    machines[2].lose(with_disk=True)
    machines[2].prepare(machines[2].folder.parent / "authority")
    outcome = machines[2].configure()
    assert outcome.returncode == 0, outcome.stdout
    assert "disk of this member was lost" in outcome.stdout
    after = machines[0].member_ids()
    assert set(after) == set(before)
    assert after[ADDRESSES["etcd-2"]] != before[ADDRESSES["etcd-2"]]
    assert not [identity for identity in after.values() if "learner" in identity]
    assert "data" in machines[2].etcdctl("get", "precious")


def test_a_member_without_its_disk_stays_out_when_another_is_down_too(machines: list[EtcdMachine]) -> None:
    machines[1].stop()
    machines[2].lose(with_disk=True)
    machines[2].prepare(machines[2].folder.parent / "authority")
    outcome = machines[2].configure()
    assert outcome.returncode != 0
    assert "the disk of this one is blank" in outcome.stdout
    assert "0 of 2 others are healthy" in outcome.stdout
    assert "restore all from a snapshot" in outcome.stdout
    assert not (machines[2].disk / "data" / "member").exists()


def test_a_reentry_that_was_cut_off_is_finished_by_the_next_run(machines: list[EtcdMachine]) -> None:
    machines[2].lose(with_disk=True)
    (gone,) = [identity for address, identity in machines[0].member_ids().items() if address == ADDRESSES["etcd-2"]]
    soon(machines[0], "member", "remove", gone)
    peer = f"https://{ADDRESSES['etcd-2']}:2380"
    soon(machines[0], "member", "add", "etcd-2", "--learner", "--peer-urls", peer)
    machines[2].prepare(machines[2].folder.parent / "authority")
    outcome = machines[2].configure()
    assert outcome.returncode == 0, outcome.stdout
    assert not [identity for identity in machines[0].member_ids().values() if "learner" in identity]


def test_a_disk_of_another_cluster_is_refused_and_left_as_it_is(machines: list[EtcdMachine]) -> None:
    machines[1].lose()
    other = machines[1].folder.parent / "another-authority"
    make_authority(other)
    machines[1].prepare(other)
    outcome = machines[1].configure()
    assert outcome.returncode != 0
    assert "another certificate authority; nothing was changed" in outcome.stdout
    assert (machines[1].disk / "data" / "member").exists()


def test_changed_arguments_reach_all_members_one_after_the_other(machines: list[EtcdMachine]) -> None:
    for machine in machines:
        machine.deliver(heartbeat_ms=120)
    outcomes = configure_all(machines)
    assert [outcome.returncode for outcome in outcomes] == [0, 0, 0], outcomes
    assert [starts(machine) for machine in machines] == [2, 2, 2]
    events = [line.split() for line in (machines[0].folder.parent / "events").read_text().splitlines()]
    assert [event for event, _ in events] == ["down", "up"] * 3
    assert all(down[1] == up[1] for down, up in zip(events[::2], events[1::2], strict=True))
    assert "data" in machines[0].etcdctl("get", "precious")


def test_a_quota_that_is_used_up_is_told_at_once_restarts_nobody_and_ends_with_the_remedy(
    machines: list[EtcdMachine],
) -> None:
    for machine in machines:
        machine.deliver(quota_mib=16)
    assert [outcome.returncode for outcome in configure_all(machines)] == [0, 0, 0]
    events = (machines[0].folder.parent / "events").read_text().split()[::2]
    assert events == ["down", "up"] * 3, "one at a time"
    fill(machines[0])
    before = [starts(machine) for machine in machines]
    for machine in machines:
        machine.deliver(heartbeat_ms=120, quota_mib=32)
    begun = time.monotonic()
    outcomes = configure_all(machines)
    assert time.monotonic() - begun < 60
    for outcome in outcomes:
        assert outcome.returncode != 0
        assert "etcd has raised the alarm NOSPACE" in outcome.stdout
        assert "defragment-etcd --disarm" in outcome.stdout
    assert [starts(machine) for machine in machines] == before
    for n in range(100):
        machines[0].etcdctl("del", f"heavy-{n}")
    room = machines[0].make_room()
    assert room.returncode == 0, room.stderr
    assert room.stdout.count("is defragmented") == 3
    machines[0].etcdctl("put", "taken", "again")
    assert [outcome.returncode for outcome in configure_all(machines)] == [0, 0, 0]
    assert "data" in machines[0].etcdctl("get", "precious")


def fill(machine: EtcdMachine) -> None:
    """Until etcd takes no more."""

    def put_all() -> None:
        for n in range(100):
            machine.etcdctl("put", f"heavy-{n}", stdin="x" * 1024**2)

    with pytest.raises(subprocess.CalledProcessError) as refused:
        put_all()
    assert "database space exceeded" in refused.value.stderr


def test_a_torn_log_is_told_in_etcds_own_words_with_the_remedy_while_the_others_serve(
    machines: list[EtcdMachine],
) -> None:
    torn = machines[1]
    torn.stop()
    wal = max((torn.disk / "data/member/wal").glob("*.wal"))
    with wal.open("r+b") as file:
        file.seek(1000)
        file.write(os.urandom(64))
    begun = time.monotonic()
    outcome = torn.configure(120)
    assert outcome.returncode != 0
    assert time.monotonic() - begun < 90
    assert "fails again and again" in outcome.stdout
    assert "damaged" in outcome.stdout
    assert "mv /var/lib/etcd/data /var/lib/etcd/data.damaged" in outcome.stdout
    soon(machines[0], "put", "meanwhile", "more")
    # The remedy.
    torn.stop()
    (torn.disk / "data").rename(torn.disk / "data.damaged")
    outcome = torn.configure(120)
    assert outcome.returncode == 0, outcome.stdout
    assert "more" in torn.etcdctl("get", "meanwhile")


def test_a_member_that_was_removed_by_hand_enters_again_with_its_old_data_set_aside(
    machines: list[EtcdMachine],
) -> None:
    before = machines[0].member_ids()
    soon(machines[0], "member", "remove", before[ADDRESSES["etcd-2"]])
    outcome = machines[2].configure(120)
    assert outcome.returncode == 0, outcome.stdout
    assert "the other members have removed this one" in outcome.stdout
    after = machines[0].member_ids()
    assert set(after) == set(before)
    assert after[ADDRESSES["etcd-2"]] != before[ADDRESSES["etcd-2"]]
    assert not [identity for identity in after.values() if "learner" in identity]
    assert "data" in machines[2].etcdctl("get", "precious")
    (aside,) = machines[2].disk.glob("data.set-aside-*")
    assert list((aside / "member/wal").glob("*.wal"))


def test_two_more_members_enter_at_once_and_those_that_serve_do_not_restart(
    machines: list[EtcdMachine], tmp_path: Path
) -> None:
    before = machines[0].member_ids()
    more = {**ADDRESSES, **{f"etcd-{n}": f"127.79.{_WORKER}.{10 + n}" for n in (3, 4)}}
    new = [EtcdMachine(name, more[name], tmp_path / name, more) for name in ("etcd-3", "etcd-4")]
    for machine in machines:
        machine.members = more
        machine.deliver()
    try:
        for machine in new:
            machine.prepare(tmp_path / "authority")
        for outcome in configure_all([*machines, *new]):
            assert outcome.returncode == 0, outcome.stdout
        after = machines[0].member_ids()
        assert set(after) == set(more.values())
        assert before.items() <= after.items()
        assert "learner" not in str(after)
        assert [starts(machine) for machine in machines] == [1, 1, 1]
        assert "data" in new[1].etcdctl("get", "precious")
        assert [outcome.returncode for outcome in configure_all([*machines, *new])] == [0] * 5
        # It starts again with its data, and as itself.
        new[0].lose()
        new[0].prepare(tmp_path / "authority")
        outcome = new[0].configure()
        assert outcome.returncode == 0, outcome.stdout
        assert machines[0].member_ids() == after
    finally:
        for machine in new:
            machine.stop()
