"""From a stack's configuration to what rules know of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeGuard

from components.settings.config_values import decoded, groups_of
from components.settings.model import Settings
from components.settings.problems import InvalidSettings
from components.settings.validate import parse
from policies.model import Context

BUDGET_KEY: Final = "policies:monthlyBudgetUsd"
_LARGEST_BUDGET: Final = 10**9


def context_of(config: Mapping[str, str]) -> Context:
    """`config`: full key to text, objects as JSON. Settings that are invalid are the program's to refuse."""
    groups = groups_of(config)
    budget = decoded(config.get(BUDGET_KEY))
    return Context(
        settings=_settings(groups),
        region=config.get("aws:region", ""),
        monthly_budget_usd=float(budget) if is_budget(budget) else None,
    )


def is_budget(value: object) -> TypeGuard[int | float]:
    """Whether a value is a number of USD that can be spent."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value < _LARGEST_BUDGET  # type: ignore[operator]


def highly_available(context: Context) -> bool:
    """Whether the stack is to survive a lost machine; also when nothing is known of it."""
    return context.settings is None or context.settings.highly_available


def _settings(groups: Mapping[str, object]) -> Settings | None:
    try:
        return parse(groups, living=True) if groups else None
    except InvalidSettings:
        return None
