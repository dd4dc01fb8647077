"""The word that was probably meant, for messages about one that is unknown. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from components.settings.problems import plain_key

_NEAR: Final = 0.7


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known word that is meant, if one is near: capitals, hyphens and letters of other alphabets don't count, nor
    does the order of letters.
    """
    if not isinstance(word, str):
        return None
    meant, by_plain = plain_key(word), {plain_key(name): name for name in known}
    # Letters that have changed places make a likely slip, which difflib doesn't know.
    near = [name for name in by_plain if sorted(name) == sorted(meant)] or difflib.get_close_matches(
        meant, by_plain, 1, cutoff=_NEAR
    )
    return by_plain[near[0]] if near else None


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """A question to put behind a remedy, beginning with a space; nothing where no known word is near."""
    near = nearest(word, known)
    return f" Did you mean {near}?" if near else ""
