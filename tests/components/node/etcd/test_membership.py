"""As whom a member starts, and whether etcd is started, restarted or left alone: every branch."""

from __future__ import annotations

import pytest

from components.node.etcd.client import Member
from components.node.etcd.membership import Entry, Service, entry, member_at, service

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
