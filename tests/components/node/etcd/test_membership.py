"""As whom a member starts, and whether etcd is started, restarted or left alone: every branch."""

from __future__ import annotations

import pytest

from components.node.common.failure import Failure
from components.node.etcd.client import Member
from components.node.etcd.membership import Entry, Service, differs, entry, initial_cluster, member_at, service

ADDRESS = "10.0.0.12"
OTHER = Member(1, "etcd-0", ("https://10.0.0.10:2380",), ("https://10.0.0.10:2379",), False)


def own(*, started: bool, learner: bool) -> Member:
    return Member(2, "etcd-2", (f"https://{ADDRESS}:2380",), (f"https://{ADDRESS}:2379",) * started, learner)


@pytest.mark.parametrize("known", [None, (), (OTHER, own(started=True, learner=False))])
def test_a_member_with_its_data_starts_as_before_unless_the_others_say_no(known: tuple[Member, ...] | None) -> None:
    assert entry(True, known, ADDRESS) is Entry.AS_BEFORE


def test_a_member_with_data_that_the_others_have_removed_is_known_as_such() -> None:
    assert entry(True, (OTHER,), ADDRESS) is Entry.REMOVED


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (None, Entry.NEW_CLUSTER),
        ((OTHER, own(started=False, learner=False)), Entry.NEW_CLUSTER),
        ((OTHER, own(started=False, learner=True)), Entry.ANNOUNCED),
        ((OTHER,), Entry.ADDED),
        ((OTHER, own(started=True, learner=False)), Entry.REPLACED),
        ((OTHER, own(started=True, learner=True)), Entry.REPLACED),
    ],
)
def test_a_blank_disk_is_judged_by_what_the_others_know(known: tuple[Member, ...] | None, expected: Entry) -> None:
    assert entry(False, known, ADDRESS) is expected


def test_a_member_is_found_by_its_whole_address() -> None:
    assert member_at([OTHER, own(started=True, learner=False)], ADDRESS) == own(started=True, learner=False)
    assert member_at([OTHER], "10.0.0.1") is None, "the beginning of another's"


@pytest.mark.parametrize(
    ("state", "changed", "expected"),
    [
        ("inactive", True, Service.START),
        ("failed", False, Service.START),
        ("unknown", True, Service.START),
        ("active", False, Service.KEEP),
        ("activating", False, Service.KEEP),
        ("active", True, Service.RESTART),
        ("activating", True, Service.RESTART),
    ],
)
def test_etcd_restarts_only_when_it_runs_with_other_arguments(state: str, changed: bool, expected: Service) -> None:
    assert service(state, changed) is expected


PLANNED = (
    "A=1\nETCD_INITIAL_CLUSTER=etcd-0=https://10.0.0.10:2380,etcd-2=https://10.0.0.12:2380,etcd-3=https://c:2380\n"
)


def test_a_new_member_starts_with_those_that_there_are_and_itself() -> None:
    members = (OTHER, Member(2, "", (f"https://{ADDRESS}:2380",), (), True))
    assert initial_cluster(members, PLANNED) == f"etcd-0=https://10.0.0.10:2380,etcd-2=https://{ADDRESS}:2380"


def test_a_member_that_somebody_has_announced_by_hand_is_named_with_what_to_do() -> None:
    stranger = Member(0xAB, "", ("https://10.9.9.9:2380",), (), True)
    with pytest.raises(Failure, match=r"at https://10.9.9.9:2380.*etcdctl member remove ab"):
        initial_cluster((OTHER, stranger), PLANNED)


@pytest.mark.parametrize(
    ("applied", "expected"),
    [
        (None, True),
        (PLANNED, False),
        ("A=1\nETCD_INITIAL_CLUSTER=etcd-0=https://10.0.0.10:2380\n", False),
        (PLANNED.replace("A=1", "A=2"), True),
        ("A=1\n", False),
        (f"# etcd 3.7.0\n{PLANNED}", True),
        (f"ETCD_INITIAL_CLUSTER_TOKEN=other\n{PLANNED}", True),
    ],
)
def test_which_members_there_were_to_begin_with_makes_no_difference(applied: str | None, expected: bool) -> None:
    assert differs(applied, PLANNED) is expected
