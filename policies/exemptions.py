"""Exemptions from rules, each with its reason in the stack file. Pure.

policies:exemptions:
  - policy: api-not-open-to-the-world
    resource: prod-groups-in-*          # optional: the resource's name, * stands for anything
    reason: demonstration cluster without data, gone by Friday
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from components.settings.config_values import decoded
from components.settings.problems import shown, shown_path
from components.settings.suggestions import nearest
from policies.context import BUDGET_KEY, is_budget
from policies.model import Finding

KEY: Final = "policies:exemptions"
# The policy that reports exemptions, and the words that follow the name of the rule.
IN_USE: Final = "exemptions-in-use"
EXEMPT: Final = " is exempt"
_KEYS: Final = ("policy", "resource", "reason")
# Shorter ones say "n/a" or "later".
_SHORTEST_REASON: Final = 15
# Letters and signs by Unicode's word that show nothing: Hangul fillers, the blank Braille pattern.
_BLANK: Final = "\u115f\u1160\u3164\uffa0\u2800"


@dataclass(frozen=True)
class Exemption:
    """Lets the findings of a rule pass; only those of resources whose names match, when `resource` is given."""

    policy: str
    reason: str
    resource: str = "*"

    def covers(self, policy: str, finding: Finding) -> bool:
        if policy != self.policy:
            return False
        return self.resource == "*" or (
            finding.resource is not None and fnmatchcase(finding.resource.name, self.resource)
        )


def why_unused(exemption: Exemption, violations: Sequence[Finding]) -> str:
    """Why an exemption lets nothing pass, and what to do; `violations` are what its rule finds nevertheless."""
    if not violations:
        return "nothing breaks that rule: remove the exemption."
    names = [finding.resource.name for finding in violations if finding.resource]
    if not names:
        return "the rule finds something about the stack as a whole, which no resource names: leave resource out."
    return f"it covers none of what the rule finds: name {names[0]}, or remove the exemption."


def exemptions(raw: object, policies: Sequence[str]) -> tuple[tuple[Exemption, ...], tuple[str, ...]]:
    """The sound exemptions in a stack file's value, and what is wrong with the others, which exempt nothing."""
    if raw is None:
        return (), ()
    if not isinstance(raw, list):
        return (), (f"{KEY} is not a list: write one item for each exemption, with policy and reason.",)
    sound: list[Exemption] = []
    problems: list[str] = []
    for number, entry in enumerate(raw):
        wrong = list(_problems(entry, policies))
        problems.extend(f"{KEY}[{number}]: {problem}" for problem in wrong)
        if not wrong:
            sound.append(Exemption(entry["policy"], entry["reason"].strip(), entry.get("resource", "*")))
    return tuple(sound), tuple(problems)


def misspelt(config: Mapping[str, str]) -> tuple[str, ...]:
    """What a stack file says to policies that no policy reads, or none can read."""
    problems = []
    for key in config:
        if key.startswith("policies:") and key not in (KEY, BUDGET_KEY):
            near = nearest(key, (KEY, BUDGET_KEY))
            problems.append(
                f"unknown key {shown_path(key)}"
                + (f", did you mean {near}?" if near else f"; known keys: {KEY}, {BUDGET_KEY}.")
            )
    budget = decoded(config.get(BUDGET_KEY))
    if config.get(BUDGET_KEY) is not None and not is_budget(budget):
        problems.append(f"{BUDGET_KEY} is not a number above 0: give USD per month, such as 700.")
    return tuple(problems)


def _problems(entry: object, policies: Sequence[str]) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield "is not an object: give policy and reason."
        return
    for key in entry:
        if key not in _KEYS:
            near = nearest(key, _KEYS)
            yield f"unknown key {shown(str(key))}" + (
                f", did you mean {near!r}?" if near else f"; known keys: {', '.join(_KEYS)}."
            )
    policy, reason, resource = entry.get("policy"), entry.get("reason"), entry.get("resource", "*")
    if policy not in policies:
        near = nearest(policy, policies)
        yield f"no policy is called {shown(policy)}" + (f", did you mean {near!r}?" if near else ".")
    if not isinstance(reason, str) or _visible(reason) < _SHORTEST_REASON:
        yield f"the reason is missing or too short: say in {_SHORTEST_REASON} characters or more why this is fine."
    if not isinstance(resource, str) or not resource:
        yield "resource must be a resource's name; leave it out for all of them."


def _visible(text: str) -> int:
    """How many characters a text shows, spaces between words included."""
    seen = (char for char in text if char == " " or (unicodedata.category(char)[0] in "LMNPS" and char not in _BLANK))
    return len(" ".join("".join(seen).split()))
