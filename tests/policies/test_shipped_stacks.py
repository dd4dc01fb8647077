"""The stack files of this repository break no rule. What they declare is recorded without an engine."""

from __future__ import annotations

from typing import Any

import pytest

from policies.catalogue import NAMES, RULES
from policies.evaluate import judged, on_stack
from policies.exemptions import KEY, Exemption, exemptions
from policies.model import Context, Level, Resource, Rule, Stack
from tests.components.recording import Recorded, Secret
from tests.components.settings.stack_files import CHECKOUT, committed
from tests.components.stacks import WITH_SNAPSHOTS, recorded, settings_of
from tests.policies.sound_stack import sound_stack
from tests.policies.violation import NO_BACKUPS

STACKS = sorted(path.name.split(".")[1] for path in (CHECKOUT / "stacks").glob("Pulumi.*.yaml"))


def plain(value: Any) -> Any:
    """Rules see secrets as they are, as the engine gives them."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def resource(registered: Recorded) -> Resource:
    return Resource(
        type=registered.type,
        name=registered.name,
        props=plain(dict(registered.inputs)),
        urn=registered.key,
        protect=registered.protect,
        ignore_changes=registered.ignore_changes,
        delete_before_replace=registered.delete_before_replace,
        references={key: tuple(found) for key, found in registered.references.items()},
    )


def verdicts(name: str, **changes: Any) -> tuple[list[Rule], set[Exemption], tuple[Exemption, ...]]:
    """The rules that a stack with these changes breaks, the exemptions that let something pass, and all that it has."""
    config = committed(name)
    stack = Stack(
        tuple(resource(registered) for registered in recorded(name, tuple(changes.items())).resources.values())
    )
    context = Context(settings=settings_of(name, **changes), region=config["aws:region"])
    usable, problems = exemptions(config.get(KEY), NAMES)
    assert problems == ()
    found = [(rule, judged(rule, on_stack(rule, stack, context, {}), usable)) for rule in RULES]
    broken = [rule for rule, verdict in found if verdict.violations]
    return broken, {exemption for _, verdict in found for _, exemption in verdict.exempt}, usable


@pytest.mark.parametrize("name", STACKS)
def test_a_shipped_stack_breaks_no_rule(name: str) -> None:
    broken, used, usable = verdicts(name)
    assert [rule.name for rule in broken] == []
    assert used == set(usable), "an exemption exempts nothing"


@pytest.mark.parametrize("name", STACKS)
def test_a_shipped_stack_that_takes_snapshots_breaks_none_at_all(name: str) -> None:
    broken, _, _ = verdicts(name, **dict(WITH_SNAPSHOTS))
    assert [rule.name for rule in broken] == []


def test_prod_without_snapshots_is_refused_with_the_line_that_turns_them_on() -> None:
    broken, _, _ = verdicts("prod", backups__enabled=False)
    assert [(rule.name, rule.level) for rule in broken] == [("snapshots-are-scheduled", Level.MANDATORY)]
    (finding,) = on_stack(broken[0], sound_stack(), NO_BACKUPS, {})
    assert "quorate:backups.enabled to true" in finding.remedy


def test_education_is_among_them() -> None:
    assert "education" in STACKS
