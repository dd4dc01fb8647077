"""The stack files of this repository break no rule. What they declare is recorded without an engine."""

from __future__ import annotations

from typing import Any

import pytest

from components.cluster import Cluster
from components.settings.validate import parse
from policies.catalogue import NAMES, RULES
from policies.evaluate import judged, on_stack
from policies.exemptions import KEY, exemptions
from policies.model import Context, Level, Resource, Stack
from tests.components.education import ANSWERS, outputs
from tests.components.recording import Recorded, Secret, record
from tests.components.settings.stack_files import CHECKOUT, committed

STACKS = sorted(path.name.split(".")[1] for path in (CHECKOUT / "stacks").glob("Pulumi.*.yaml"))


# Of what the program can't build yet.
AWAITED = frozenset({"snapshots-are-scheduled"})


def plain(value: Any) -> Any:
    """Rules see secrets as they are, as the engine gives them."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def resource(recorded: Recorded) -> Resource:
    return Resource(
        type=recorded.type,
        name=recorded.name,
        props=plain(dict(recorded.inputs)),
        urn=recorded.key,
        protect=recorded.protect,
        ignore_changes=recorded.ignore_changes,
        delete_before_replace=recorded.delete_before_replace,
        references={key: tuple(found) for key, found in recorded.references.items()},
    )


@pytest.mark.parametrize("name", STACKS)
def test_a_shipped_stack_breaks_no_rule(name: str) -> None:
    config = committed(name)
    settings = parse({key.removeprefix("quorate:"): value for key, value in config.items() if "quorate:" in key})

    def program() -> None:
        Cluster(settings.cluster.name, settings)

    recording = record(program, outputs, ANSWERS)
    stack = Stack(tuple(resource(recorded) for recorded in recording.resources.values()))
    context = Context(settings=settings, region=config["aws:region"])
    usable, problems = exemptions(config.get(KEY), NAMES)
    assert problems == ()
    verdicts = [(rule, judged(rule, on_stack(rule, stack, context, {}), usable)) for rule in RULES]
    broken = [rule for rule, verdict in verdicts if verdict.violations]
    assert {rule.name for rule in broken} <= AWAITED
    assert {rule.level for rule in broken} <= {Level.ADVISORY}
    assert {e for _, verdict in verdicts for _, e in verdict.exempt} == set(usable), "an exemption exempts nothing"


def test_education_is_among_them() -> None:
    assert "education" in STACKS
