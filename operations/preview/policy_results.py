"""What policies say of a preview, by rule: those that are broken, and those that the stack file exempts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from operations.preview.digest import Violation
from policies.exemptions import EXEMPT, IN_USE

_WHY: Final = "Why: "
_REMEDY: Final = "Do: "


@dataclass(frozen=True)
class BrokenRule:
    """A rule that speaks up: what is wrong where, why that matters, and what to do."""

    policy: str
    level: str
    resources: tuple[str, ...]
    wrong: tuple[str, ...]
    why: tuple[str, ...]
    remedies: tuple[str, ...]

    @property
    def mandatory(self) -> bool:
        return self.level == "mandatory"


@dataclass(frozen=True)
class Exempt:
    """An exemption of the stack file, in its own words, and what it lets pass."""

    says: str
    passed: tuple[str, ...]


def broken(violations: Sequence[Violation]) -> tuple[BrokenRule, ...]:
    """The broken rules, mandatory ones first."""
    grouped: dict[tuple[str, str], list[Violation]] = {}
    for violation in violations:
        if violation.policy != IN_USE:
            grouped.setdefault((violation.policy, violation.level), []).append(violation)
    rules = [_rule_of(policy, level, found) for (policy, level), found in grouped.items()]
    return tuple(sorted(rules, key=lambda rule: not rule.mandatory))


def exempt(violations: Sequence[Violation]) -> tuple[Exempt, ...]:
    """The exemptions in use, and those that nothing needs any more."""
    grouped: dict[str, list[str]] = {}
    for violation in violations:
        if violation.policy == IN_USE:
            lines = [line for line in violation.message.splitlines() if line.strip()]
            start = next((n for n, line in enumerate(lines) if EXEMPT in line), 0)
            grouped.setdefault(lines[start], []).extend(lines[start + 1 :])
    return tuple(Exempt(says, _once(passed)) for says, passed in grouped.items())


def _rule_of(policy: str, level: str, violations: Sequence[Violation]) -> BrokenRule:
    lines = [line.strip() for violation in violations for line in violation.message.splitlines() if line.strip()]
    return BrokenRule(
        policy,
        level,
        _once(violation.resource for violation in violations),
        _once(line for line in lines if not line.startswith((_WHY, _REMEDY))),
        _once(line.removeprefix(_WHY) for line in lines if line.startswith(_WHY)),
        _once(line.removeprefix(_REMEDY) for line in lines if line.startswith(_REMEDY)),
    )


def _once(lines: Iterator[str] | Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(lines))
