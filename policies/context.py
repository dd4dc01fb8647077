"""From a stack's configuration to what rules know of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from components.settings.config_values import decoded
from components.settings.model import EtcdTopology, Settings
from components.settings.problems import InvalidSettings
from components.settings.rules.facts import NAMESPACE
from components.settings.validate import parse
from policies.model import Context

BUDGET_KEY: Final = "policies:monthlyBudgetUsd"


def context_of(config: Mapping[str, str]) -> Context:
    """`config`: full key to text, objects as JSON. Settings that are invalid are the program's to refuse."""
    groups = {
        key.removeprefix(f"{NAMESPACE}:"): decoded(value)
        for key, value in config.items()
        if key.startswith(f"{NAMESPACE}:")
    }
    budget = decoded(config.get(BUDGET_KEY))
    usable = isinstance(budget, int | float) and not isinstance(budget, bool)
    return Context(
        settings=_settings(groups),
        region=config.get("aws:region", ""),
        monthly_budget_usd=float(budget) if usable else None,  # type: ignore[arg-type]
    )


def highly_available(context: Context) -> bool:
    """Whether the stack is to survive a lost machine; also when nothing is known of it."""
    settings = context.settings
    return settings is None or settings.control_plane.count > 1 or settings.etcd.topology is EtcdTopology.EXTERNAL


def _settings(groups: Mapping[str, object]) -> Settings | None:
    try:
        return parse(groups) if groups else None
    except InvalidSettings:
        return None
