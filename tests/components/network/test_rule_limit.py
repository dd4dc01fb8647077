"""More networks of operators than a security group has rules for are refused before anything is made."""

from __future__ import annotations

from collections import Counter

import pytest

from components.network.rule_limit import exceeded_rules, rules
from tests.components.stacks import STACKS, recorded, settings_of

DIRECTIONS = {
    "inwards": "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "outwards": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
}


def networks(number: int, second: int = 0) -> list[str]:
    return [f"203.{second}.{each}.0/24" for each in range(number)]


@pytest.mark.parametrize("stack", STACKS)
def test_the_rules_that_are_counted_are_those_that_are_declared(stack: str) -> None:
    declared = Counter(
        (rule.inputs["securityGroupId"].rpartition("-groups-")[2].removesuffix("-id"), direction)
        for direction, kind in DIRECTIONS.items()
        for rule in recorded(stack).of_type(kind)
    )
    assert declared == rules(settings_of(stack))
    assert list(exceeded_rules(settings_of(stack))) == []


@pytest.mark.parametrize("stack", ["education", "dev"])
def test_both_lists_of_access_count_where_they_end_in_one_group(stack: str) -> None:
    settings = settings_of(stack, access__sshCidrs=networks(50), access__apiCidrs=networks(15, 1))
    (problem,) = exceeded_rules(settings)
    assert problem.key_path == "quorate:access"
    assert "50 networks in sshCidrs and 15 in apiCidrs" in problem.found
    assert "60 rules" in problem.remedy


def test_networks_in_groups_of_their_own_may_be_as_many_as_the_settings_take() -> None:
    settings = settings_of("prod", access__sshCidrs=networks(50), access__apiCidrs=networks(50, 1))
    assert list(exceeded_rules(settings)) == []


def test_a_living_cluster_keeps_what_a_raised_quota_gave_it_and_gets_no_more() -> None:
    living = settings_of("dev", access__sshCidrs=networks(50), access__apiCidrs=networks(15, 1))
    assert list(exceeded_rules(living, living)) == []
    more = settings_of("dev", access__sshCidrs=networks(50), access__apiCidrs=networks(16, 1))
    assert len(list(exceeded_rules(more, living))) == 1
