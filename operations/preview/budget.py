"""Fits a comment into GitHub's limit: long parts are cut, evenly, and say how much is missing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LIMIT: Final = 65_536
_NOTE_LENGTH: Final = 120


@dataclass(frozen=True)
class Part:
    """A part of a comment. Lines of `body` may be cut, from the end; `head` and `tail` stay.

    `fenced`: the body stands in a code fence, which the note on what was cut must not enter.
    """

    head: tuple[str, ...]
    body: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    fenced: bool = False


def fit(parts: Sequence[Part], limit: int = LIMIT) -> str:
    """The parts as one text of at most `limit` characters, counted as UTF-8 bytes to be on the safe side."""
    fixed = sum(_size((*part.head, *part.tail)) + _NOTE_LENGTH for part in parts)
    room = _shares([_size(part.body) for part in parts], limit - fixed)
    lines: list[str] = []
    for part, share in zip(parts, room, strict=True):
        lines += [*part.head, *_cut(part, share)]
    text = "\n".join(lines) + "\n"
    if len(text.encode()) > limit:
        raise ValueError(f"the parts of a comment that can't be cut take {fixed} bytes of {limit}")
    return text


def _cut(part: Part, share: int) -> tuple[str, ...]:
    if _size(part.body) <= share:
        return (*part.body, *part.tail)
    kept: list[str] = []
    used = 0
    for line in part.body:
        used += _size((line,))
        if used > share:
            break
        kept.append(line)
    note = f"… {len(part.body) - len(kept):,} more lines: see the full text among this run's artifacts."
    return (*kept, *part.tail[:1], "", note, *part.tail[1:]) if part.fenced else (*kept, "", note, *part.tail)


def _shares(wanted: Sequence[int], room: int) -> list[int]:
    """Divides `room` so that small parts get all they want and the rest is shared evenly."""
    shares = [0] * len(wanted)
    left, open_ = max(room, 0), sorted(range(len(wanted)), key=lambda number: wanted[number])
    while open_:
        number = open_.pop(0)
        shares[number] = min(wanted[number], left // (len(open_) + 1))
        left -= shares[number]
    return shares


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
