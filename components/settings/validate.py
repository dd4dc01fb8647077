"""Whether a stack file makes sense: everything that is wrong with it, reported at once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from components.settings.decode import Decoder
from components.settings.derive import derived
from components.settings.model import Settings
from components.settings.problems import InvalidSettings
from components.settings.rules import endpoints, machines, networks, pools
from components.settings.rules.facts import NAMESPACE, Facts


def parse(raw: Mapping[str, object]) -> Settings:
    """The settings that the groups of a stack file say (`raw`: group, without namespace, to plain value).

    Raises InvalidSettings with all problems together: of single values, unknown keys, and of values together.
    """
    decoder = Decoder()
    decoded = Facts(_decode(decoder, raw), frozenset(decoder.given), frozenset(decoder.unsound))
    settings = derived(decoded)
    facts = replace(decoded, settings=settings)
    for rule in (*networks.RULES, *endpoints.RULES, *machines.RULES, *pools.RULES):
        decoder.problems.extend(rule.problems(facts))
    if decoder.problems:
        raise InvalidSettings(decoder.problems)
    return settings


def restore(raw: Mapping[str, object]) -> Settings:
    """Settings from what encode.plain() made of them: complete, so that no rule asks what was given.

    Raises InvalidSettings when a value isn't one of the model.
    """
    decoder = Decoder()
    settings = _decode(decoder, raw)
    if decoder.problems:
        raise InvalidSettings(decoder.problems)
    return settings


def _decode(decoder: Decoder, raw: Mapping[str, object]) -> Settings:
    return cast(Settings, decoder.record(Settings, raw, NAMESPACE, lambda key: f"{NAMESPACE}:{key}"))
