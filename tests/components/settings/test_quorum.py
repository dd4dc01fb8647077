"""Quorum is the smallest majority."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings.quorum import quorum, tolerated_losses, why_not_even


@pytest.mark.parametrize(
    ("members", "needed", "losses"),
    [(1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2), (6, 4, 2), (7, 4, 3), (8, 5, 3), (9, 5, 4)],
)
def test_the_table_from_one_to_nine(members: int, needed: int, losses: int) -> None:
    assert (quorum(members), tolerated_losses(members)) == (needed, losses)


@given(st.integers(1, 1000))
def test_two_quorums_always_share_a_member(members: int) -> None:
    assert 2 * quorum(members) > members
    assert 2 * (quorum(members) - 1) <= members


@given(st.integers(1, 500))
def test_an_even_count_survives_no_more_than_the_odd_one_below(half: int) -> None:
    assert tolerated_losses(2 * half) == tolerated_losses(2 * half - 1)


def test_the_reason_against_an_even_count_has_its_figures() -> None:
    assert why_not_even(4).startswith("4 members need 3 for a majority and survive the loss of 1, no more than 3 do")
