"""Rules about tags. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from components.settings.problems import Problem, path_of_entry, shown
from components.settings.rules.facts import NAMESPACE, Facts, Rule


def keys_differ_by_more_than_case(facts: Facts) -> Iterable[Problem]:
    """IAM takes keys that differ by case only for one key, and refuses roles that have it twice."""
    first: dict[str, str] = {}
    for key in sorted(facts.settings.tags):
        other = first.setdefault(key.lower(), key)
        if other != key:
            yield Problem(
                path_of_entry(f"{NAMESPACE}:tags", key),
                f"the key {shown(key)}",
                f"Leave one of the two out: IAM takes it and {shown(other)} for one key, and refuses roles with both.",
            )


RULES: Final = (Rule((), keys_differ_by_more_than_case),)
