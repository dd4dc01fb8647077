"""The pack as a whole: names, its page, and the types that it names."""

from __future__ import annotations

import inspect
import re
from importlib import import_module

import pytest
from pulumi_policy import EnforcementLevel

from policies.catalogue import NAMES, RULES
from policies.configuration import configured
from policies.document import PAGE, page
from policies.model import Level
from policies.pack import policies
from policies.rules.tags import TAGGABLE
from tests.components.golden_files import FOLDER

TREES = {path.name for path in FOLDER.glob("*-tree.txt")}


def test_names_are_unique_and_sentences_in_short() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", name) for name in NAMES)


def test_every_rule_is_a_policy_of_its_level() -> None:
    made = {policy.name: policy.enforcement_level for policy in policies(lambda: configured({}))}
    for rule in RULES:
        mandatory = rule.level is Level.MANDATORY
        assert made[rule.name] is (EnforcementLevel.MANDATORY if mandatory else EnforcementLevel.ADVISORY)


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run: python -m policies.document"


def arguments(token: str) -> set[str]:
    """The arguments of a resource of the AWS provider, by its type token."""
    module, _, name = token.removeprefix("aws:").partition("/")
    package, kind = f"pulumi_aws.{module}", name.partition(":")[2]
    return set(inspect.signature(getattr(import_module(package), f"{kind}Args").__init__).parameters)


@pytest.mark.parametrize("token", sorted(TAGGABLE))
def test_a_type_that_must_be_tagged_takes_tags(token: str) -> None:
    assert "tags" in arguments(token)


@pytest.mark.parametrize("tree", sorted(TREES))
def test_every_type_of_a_shipped_stack_that_takes_tags_must_be_tagged(tree: str) -> None:
    tokens = set(re.findall(r"^(aws:\S+)", (FOLDER / tree).read_text(), re.MULTILINE)) - {"aws:autoscaling/group:Group"}
    assert {token for token in tokens if "tags" in arguments(token)} <= TAGGABLE
