"""What an account was asked, and whether it is as this program assumes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from operations.errors import NotAnswered


class Outcome(StrEnum):
    """How an answer compares with what the program assumes."""

    AS_ASSUMED = "as assumed"
    DIFFERS = "differs"
    NOT_ASKED = "not asked"


Found = tuple[Outcome, str]


@dataclass(frozen=True)
class Question:
    """What is asked, in few words, and how; `ask` may raise NotAnswered."""

    subject: str
    ask: Callable[[], Found]


@dataclass(frozen=True)
class Answer:
    """What was asked and found, in one line."""

    subject: str
    outcome: Outcome
    found: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.outcome}: {self.found}"


def once(ask: Callable[[], Any]) -> Callable[[], Any]:
    """Asks the first time only, and repeats what came of it, a refusal too."""

    @cache
    def outcome() -> tuple[Any, NotAnswered | None]:
        try:
            return ask(), None
        except NotAnswered as unanswered:
            return None, unanswered

    def again() -> Any:
        answer, unanswered = outcome()
        if unanswered:
            raise unanswered
        return answer

    return again


def judged(problems: Iterable[str], found: str) -> Found:
    """As assumed with what was `found`, unless there are problems."""
    named = list(problems)
    return (Outcome.DIFFERS, f"{'; '.join(named)} ({found})") if named else (Outcome.AS_ASSUMED, found)


def answers(questions: Iterable[Question]) -> Iterator[Answer]:
    """Each question's answer, when it is there. One that fails leaves the others alone."""
    for question in questions:
        try:
            outcome, found = question.ask()
        except NotAnswered as unanswered:
            outcome, found = Outcome.NOT_ASKED, str(unanswered)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            outcome, found = Outcome.NOT_ASKED, f"the answer has another form than expected: {error!r}"
        yield Answer(question.subject, outcome, " ".join(found.split()))
