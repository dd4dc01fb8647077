"""Whether a stack file makes sense: everything that is wrong with it, told at once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from components.settings.decode import Decoder
from components.settings.model import Settings
from components.settings.problems import InvalidSettings
from components.settings.rules import machines, networks, pools
from components.settings.rules.facts import NAMESPACE, Facts


def parse(raw: Mapping[str, object]) -> Settings:
    """The settings that the groups of a stack file say (`raw`: group, without namespace, to plain value).

    Raises InvalidSettings with all problems together: of single values, unknown keys, and of values together.
    """
    decoder = Decoder()
    settings = _decode(decoder, raw)
    facts = Facts(settings, frozenset(decoder.given), frozenset(decoder.unsound))
    for rule in (*networks.RULES, *machines.RULES, *pools.RULES):
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
