"""The table of allowed connections, and the groups made from it."""

from __future__ import annotations

import dataclasses

from components.network.traffic import ALLOWED, Party, addresses_of
from tests.components.education import SETTINGS


def test_names_of_rows_are_unique_since_resources_are_named_by_them() -> None:
    names = [row.name for row in ALLOWED]
    assert len(set(names)) == len(names)


def test_every_row_has_a_reason_that_fits_into_a_rules_description() -> None:
    for row in ALLOWED:
        assert 10 < len(row.reason) <= 255
        assert not set(row.reason) - set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-:/()#,@[]+=&;{}!$*"
        )


def test_a_row_has_a_group_on_at_least_one_side() -> None:
    groups = set(Party) - set(addresses_of(SETTINGS))
    assert all({row.source, row.target} & groups for row in ALLOWED)


def test_nothing_comes_in_from_the_internet() -> None:
    assert not [row for row in ALLOWED if row.source is Party.INTERNET]


def test_the_addresses_of_operators_are_those_of_the_stack_and_may_be_none() -> None:
    closed = dataclasses.replace(SETTINGS, access=dataclasses.replace(SETTINGS.access, ssh_cidrs=(), api_cidrs=()))
    assert addresses_of(closed)[Party.OPERATORS_SSH] == ()
    assert addresses_of(SETTINGS)[Party.OPERATORS_API] == SETTINGS.access.api_cidrs
