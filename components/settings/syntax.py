"""How a single value is written. Pure. The formats themselves are in formats.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Syntax:
    """`name` for tables, `pattern` for the whole string (editors get it too), `remedy` when it doesn't match.

    `check` sees strings that match, and gives a remedy, or None when all is well.
    """

    name: str
    pattern: str
    remedy: str
    check: Callable[[str], str | None] | None = None

    def refuse(self, text: str) -> str | None:
        """A remedy for `text`, or None when it is well written."""
        if re.fullmatch(self.pattern, text) is None:
            return self.remedy
        return self.check(text) if self.check else None
