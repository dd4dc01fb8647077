"""Answers to changes, kept for a caller that lost one and asks again.

An SDK repeats a request whose answer did not arrive, under the same invocation id. Made twice, a change that is not
idempotent fails ("already exists") although it succeeded.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

_KEPT = 256


@dataclass(frozen=True)
class Answer:
    status: str
    headers: list[tuple[str, str]]
    content: bytes


@dataclass
class Answers:
    """The last answers by invocation id."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: OrderedDict[str, Answer] = field(default_factory=OrderedDict)

    def earlier(self, invocation: str | None) -> Answer | None:
        with self._lock:
            return self._kept.get(invocation or "")

    def keep(self, invocation: str | None, answer: Answer) -> None:
        if invocation:
            with self._lock:
                self._kept[invocation] = answer
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
