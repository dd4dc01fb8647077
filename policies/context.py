"""From a stack's configuration to what rules know of it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from components.settings.model import EtcdTopology, Settings
from components.settings.problems import InvalidSettings
from components.settings.rules.facts import NAMESPACE
from components.settings.validate import parse
from policies.model import Context

BUDGET_KEY: Final = "policies:monthlyBudgetUsd"


def context_of(config: Mapping[str, str]) -> Context:
    """`config`: full key to text, objects as JSON. Settings that are invalid are the program's to refuse."""
    return _context(tuple(sorted(config.items())))


@lru_cache(maxsize=8)
def _context(entries: tuple[tuple[str, str], ...]) -> Context:
    """Every rule asks for each resource, and all settings are checked."""
    config = dict(entries)
    groups = {
        key.removeprefix(f"{NAMESPACE}:"): decoded(config, key) for key in config if key.startswith(f"{NAMESPACE}:")
    }
    budget = decoded(config, BUDGET_KEY)
    usable = isinstance(budget, int | float) and not isinstance(budget, bool)
    return Context(
        settings=_settings(groups),
        region=config.get("aws:region", ""),
        monthly_budget_usd=float(budget) if usable else None,  # type: ignore[arg-type]
    )


def decoded(config: Mapping[str, str], key: str) -> object:
    """A configuration value, None where there is none."""
    value = config.get(key)
    try:
        return json.loads(value) if value is not None else None
    except ValueError:
        return value


def highly_available(context: Context) -> bool:
    """Whether the stack is to survive a lost machine; also when nothing is known of it."""
    settings = context.settings
    return settings is None or settings.control_plane.count > 1 or settings.etcd.topology is EtcdTopology.EXTERNAL


def _settings(groups: Mapping[str, object]) -> Settings | None:
    try:
        return parse(groups) if groups else None
    except InvalidSettings:
        return None
