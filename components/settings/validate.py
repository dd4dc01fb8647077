"""Whether a stack file makes sense: everything that is wrong with it, reported at once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from components.settings.decode import Decoder
from components.settings.derive import derived
from components.settings.model import Settings
from components.settings.problems import InvalidSettings, Problem
from components.settings.rules import access, containers, endpoints, machines, networks, pools, tags
from components.settings.rules.facts import NAMESPACE, Facts


@dataclass(frozen=True)
class Reading:
    """What could be read, with defaults in place of the rest; what is refused, and what is doubtful."""

    facts: Facts
    problems: tuple[Problem, ...]
    advice: tuple[Problem, ...]


def parse(raw: Mapping[str, object], living: bool = False) -> Settings:
    """The settings that the groups of a stack file say (`raw`: group, without namespace, to plain value).

    Raises InvalidSettings with all problems together: of single values, unknown keys, and of values together.
    """
    reading = read(raw, living)
    if reading.problems:
        raise InvalidSettings(reading.problems)
    return reading.facts.settings


def read(raw: Mapping[str, object], living: bool) -> Reading:
    """As `parse`, and raises nothing. `living`: the stack has a cluster, so some of what is new is advice only."""
    decoder = Decoder()
    decoded = Facts(_decode(decoder, raw), frozenset(decoder.given), frozenset(decoder.unsound), living)
    facts = replace(decoded, settings=derived(decoded))
    advice: list[Problem] = []
    for rule in (
        *networks.RULES,
        *access.RULES,
        *endpoints.RULES,
        *machines.RULES,
        *containers.RULES,
        *pools.RULES,
        *tags.RULES,
    ):
        (decoder.problems if rule.refuses(facts) else advice).extend(rule.problems(facts))
    return Reading(facts, tuple(decoder.problems), tuple(advice))


def restore(raw: Mapping[str, object]) -> Settings:
    """Settings from what encode.plain() made of them: complete, so that no rule asks what was given.

    Raises InvalidSettings when a key or the kind of a value isn't the model's. Limits and formats are not looked at:
    this release's may be narrower than those of the one that made the record.
    """
    decoder = Decoder(recorded=True)
    settings = _decode(decoder, raw)
    if decoder.problems:
        raise InvalidSettings(decoder.problems)
    return settings


def _decode(decoder: Decoder, raw: Mapping[str, object]) -> Settings:
    return cast(Settings, decoder.record(Settings, raw, NAMESPACE, lambda key: f"{NAMESPACE}:{key}"))
