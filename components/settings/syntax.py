"""How a single value is written. Pure. The formats themselves are in formats.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# No value of any format is longer, and patterns may take long over texts without end.
_LONGEST: Final = 2000
# Half of a character of UTF-16, which JSON can escape, and which no file can hold.
_HALF: Final = re.compile("[\ud800-\udfff]")


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
        if len(text) > _LONGEST or _HALF.search(text) or re.fullmatch(self.pattern, text) is None:
            return self.remedy
        return self.check(text) if self.check else None
