"""Exemptions need a rule that there is and a reason, cover what they name, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from policies.catalogue import NAMES, RULES
from policies.evaluate import judged, on_stack
from policies.exemptions import Exemption, exemptions, misspelt, why_unused
from policies.model import Finding
from tests.policies.edits import all_of, options
from tests.policies.sound_stack import CONTEXT, sound_stack

REASON = "gone by Friday, holds no data"
VOLUMES = "etcd-volumes-are-kept"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"policy": VOLUMES}, "the reason is missing"),
        ({"policy": VOLUMES, "reason": "   "}, "the reason is missing or too short"),
        ({"policy": VOLUMES, "reason": "later"}, "in 15 characters or more"),
        ({"policy": VOLUMES, "reason": 42}, "the reason is missing"),
        ({"policy": VOLUMES, "reason": "\u200b" * 20}, "in 15 characters or more"),
        ({"policy": VOLUMES, "reason": "\u3164" * 20}, "in 15 characters or more"),
        ({"policy": VOLUMES, "reason": "fine" + "\u00a0" * 20}, "in 15 characters or more"),
        ({"policy": VOLUMES, "reason": "a" + " " * 20 + "b"}, "in 15 characters or more"),
        ({"policy": "etcd-volume-is-kept", "reason": REASON}, "did you mean 'etcd-volumes-are-kept'?"),
        ({"policy": "*", "reason": REASON}, "no policy is called '*'."),
        ({"reason": REASON}, "no policy is called nothing."),
        ({"policy": "etcd\u202e", "reason": REASON}, "no policy is called 'etcd\\u202e'"),
        ({"policy": "x" * 5000, "reason": REASON}, "(5000 characters)."),
        ({"policy": [["x"]], "reason": REASON}, "no policy is called a list of 1 item."),
        ({"policy": VOLUMES, "reason": REASON, "resourse": "x"}, "did you mean 'resource'?"),
        ({"policy": VOLUMES, "reason": REASON, "resource": ""}, "leave it out"),
        (VOLUMES, "is not an object"),
    ],
)
def test_an_exemption_that_is_not_sound_exempts_nothing_and_says_why(entry: Any, said: str) -> None:
    sound, problems = exemptions([entry], NAMES)
    assert sound == ()
    assert any(problem.startswith("policies:exemptions[0]: ") and said in problem for problem in problems)


def test_a_value_that_is_no_list_is_a_problem() -> None:
    assert "not a list" in exemptions({"policy": VOLUMES}, NAMES)[1][0]


def test_without_exemptions_there_is_no_problem() -> None:
    assert exemptions(None, NAMES) == ((), ())


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"policies:exemption": "[]"}, "unknown key policies:exemption, did you mean policies:exemptions?"),
        ({"policies:monthlyBudgetUSD": "5"}, "did you mean policies:monthlyBudgetUsd?"),
        ({"policies:x": "5"}, "unknown key policies:x; known keys"),
        ({"policies:monthlyBudgetUsd": "much"}, "is not a number"),
        ({"policies:monthlyBudgetUsd": "true"}, "is not a number"),
        ({"policies:monthlyBudgetUsd": "null"}, "is not a number"),
        ({"policies:monthlyBudgetUsd": "-5"}, "above 0"),
        ({"policies:monthlyBudgetUsd": "0"}, "above 0"),
        ({"policies:monthlyBudgetUsd": "NaN"}, "above 0"),
        ({"policies:monthlyBudgetUsd": "Infinity"}, "above 0"),
    ],
)
def test_what_no_policy_reads_is_a_problem(config: dict[str, str], said: str) -> None:
    (problem,) = misspelt(config)
    assert said in problem


def test_what_policies_read_is_no_problem() -> None:
    config = {"policies:exemptions": "[]", "policies:monthlyBudgetUsd": "700.5", "quorate:x": "1", "aws:region": "r"}
    assert misspelt(config) == ()


def test_an_unsound_exemption_leaves_the_others() -> None:
    sound, problems = exemptions([{"policy": "x"}, {"policy": VOLUMES, "reason": REASON}], NAMES)
    assert sound == (Exemption(VOLUMES, REASON),)
    assert problems


def test_an_exemption_covers_the_resources_that_it_names_and_no_others() -> None:
    change = all_of(*(options("volume", f"large-etcd-{number}-etcd", protect=False) for number in (0, 1)))
    rule = next(rule for rule in RULES if rule.name == VOLUMES)
    found = on_stack(rule, change(sound_stack()), CONTEXT, {})
    verdict = judged(rule, found, [Exemption(VOLUMES, REASON, "large-etcd-0-*")])
    assert [f.resource.name for f in verdict.violations if f.resource] == ["large-etcd-1-etcd"]
    assert [(f.resource.name, e.reason) for f, e in verdict.exempt if f.resource] == [("large-etcd-0-etcd", REASON)]


def test_an_exemption_of_one_rule_says_nothing_of_another() -> None:
    assert not Exemption("no-secrets-in-commands", REASON).covers(VOLUMES, Finding("a", "b"))


def test_an_exemption_for_a_resource_does_not_cover_the_stack() -> None:
    assert not Exemption(VOLUMES, REASON, "large-*").covers(VOLUMES, Finding("a", "b"))
    assert Exemption(VOLUMES, REASON).covers(VOLUMES, Finding("a", "b"))


def test_an_exemption_that_covers_nothing_says_what_there_is_to_cover() -> None:
    volume = next(resource for resource in sound_stack().resources if resource.type.endswith(":Volume"))
    unused = Exemption(VOLUMES, REASON, "large-nowhere-*")
    assert "remove the exemption" in why_unused(unused, ())
    assert volume.name in why_unused(unused, [Finding("a", "b", volume)])
    assert "leave resource out" in why_unused(unused, [Finding("a", "b")])
