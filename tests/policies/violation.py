"""What a case of a violation is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from components.settings.validate import parse
from policies.model import Context
from tests.components.settings.stack_files import LARGE, SMALL
from tests.components.settings.stack_files import changed as stack_file
from tests.policies.edits import Change
from tests.policies.sound_stack import CONTEXT

LEARNING: Final = replace(CONTEXT, settings=parse(SMALL))
NO_BACKUPS: Final = replace(CONTEXT, settings=parse(stack_file(LARGE, backups={"enabled": False})))
POOR: Final = replace(CONTEXT, monthly_budget_usd=100.0)
MEMBER: Final = ("instance", "large-etcd-0-instance")


@dataclass(frozen=True, eq=False)
class Violation:
    """`rules` are all that must speak up; the case is about the first."""

    rules: tuple[str, ...]
    title: str
    change: Change
    context: Context = field(default=CONTEXT)

    def __str__(self) -> str:
        return f"{self.rules[0]}: {self.title}"


def violation(rules: str, title: str, change: Change, context: Context = CONTEXT) -> Violation:
    return Violation(tuple(rules.split()), title, change, context)
