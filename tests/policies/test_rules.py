"""Each violating stack is refused by exactly the rules that it breaks; the sound one by none."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache

import pytest

from policies.catalogue import NAMES, RULES
from policies.context import context_of
from policies.evaluate import judged, on_stack, surely_on_resource, surely_on_stack
from policies.exemptions import Exemption
from policies.model import Context, Finding, ResourceRule, Severity, Stack, StackRule, message
from tests.components.settings.stack_files import SMALL
from tests.policies import violations_of_access, violations_of_machines, violations_of_upkeep
from tests.policies.sound_stack import CONTEXT, sound_stack
from tests.policies.violation import LEARNING, POOR, Violation

VIOLATIONS = (*violations_of_machines.VIOLATIONS, *violations_of_access.VIOLATIONS, *violations_of_upkeep.VIOLATIONS)


def refusing(stack: Stack, context: Context) -> dict[str, list[Finding]]:
    """What each rule that speaks up has found."""
    found = {rule.name: on_stack(rule, stack, context, {}) for rule in RULES}
    return {name: findings for name, findings in found.items() if findings}


def test_a_sound_stack_breaks_no_rule() -> None:
    assert refusing(sound_stack(), CONTEXT) == {}


@pytest.mark.parametrize("context", [LEARNING, replace(POOR, monthly_budget_usd=1e6)], ids=["learning", "in budget"])
def test_the_sound_stack_passes_also_where_few_rules_look(context: Context) -> None:
    """So that each rule has a case that passes, with what it looks for in place."""
    assert refusing(sound_stack(), context) == {}


@cache
def found_in(violation: Violation) -> dict[str, list[Finding]]:
    return refusing(violation.change(sound_stack()), violation.context)


@pytest.mark.parametrize("violation", VIOLATIONS, ids=str)
def test_a_violation_is_refused_by_the_right_rules(violation: Violation) -> None:
    assert set(found_in(violation)) == set(violation.rules)


def test_every_rule_has_a_violation() -> None:
    assert {violation.rules[0] for violation in VIOLATIONS} == set(NAMES)


def test_every_message_says_what_is_wrong_why_it_matters_and_what_to_do() -> None:
    rules = {rule.name: rule for rule in RULES}
    for violation in VIOLATIONS:
        for name, findings in found_in(violation).items():
            for finding in findings:
                wrong, why, remedy = message(rules[name], finding).split("\n")
                assert len(wrong) > 20, name
                assert wrong.endswith("."), wrong
                assert why.startswith("Why: "), name
                assert len(why) > 50, name
                assert remedy.startswith("Do: "), name
                assert remedy.endswith("."), remedy


def test_no_message_repeats_a_secret() -> None:
    for violation in VIOLATIONS:
        for findings in found_in(violation).values():
            told = " ".join(finding.wrong + finding.remedy for finding in findings)
            for secret in ("MHcCAQEE", "9a08jv", "AKIAIOSFODNN7EXAMPLE", "hunter2", "0a0a0a", "c2lnbmF0dXJl"):
                assert secret not in told


def test_a_rule_that_fails_is_reported_at_its_own_level_and_can_be_exempt_and_the_others_are_heard() -> None:
    def fails(*_: object) -> list[Finding]:
        raise KeyError("hunter2")

    rule = ResourceRule("disks-are-encrypted", "x", "x", Severity.LOW, check=fails)
    stack = sound_stack()
    (finding,) = surely_on_stack(StackRule("x", "x", "x", Severity.LOW, check=fails), stack, CONTEXT, {})
    assert re.match(
        r"the rule could not look: it has a fault \(KeyError in test_rules\.py, line \d+\)\.", finding.wrong
    )
    (finding,) = surely_on_resource(rule, stack.resources[0], CONTEXT, {})
    assert finding.resource is stack.resources[0]
    assert "hunter2" not in message(rule, finding)
    assert judged(rule, [finding], [Exemption(rule.name, "until it is fixed")]).violations == ()


def test_a_budget_in_a_region_without_prices_is_a_sentence_that_says_what_to_do() -> None:
    context = context_of(
        {
            **{f"quorate:{group}": json.dumps(value) for group, value in SMALL.items()},
            "aws:region": "eu-west-1",
            "policies:monthlyBudgetUsd": "700",
        }
    )
    rule = next(rule for rule in RULES if rule.name == "cost-is-within-the-budget")
    (finding,) = on_stack(rule, sound_stack(), context, {})
    assert finding.wrong == "there are no prices for the region eu-west-1, so the budget can't be checked."
    assert "or remove policies:monthlyBudgetUsd" in finding.remedy


@pytest.mark.parametrize("budget", ["9" * 400, "[" * 5000, "NaN", "-5", '"700"'])
def test_a_budget_that_is_none_ends_no_preview(budget: str) -> None:
    context = context_of({"aws:region": "eu-central-1", "policies:monthlyBudgetUsd": budget})
    rule = next(rule for rule in RULES if rule.name == "cost-is-within-the-budget")
    assert on_stack(rule, sound_stack(), context, {}) == []
