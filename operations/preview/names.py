"""Lists of names that stay short. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MOST: Final = 4


def some(names: Iterable[str]) -> str:
    """The names as code, the first few of them, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - MOST} more" if len(listed) > MOST else ""
    return ", ".join(f"`{name}`" for name in listed[:MOST]) + more
