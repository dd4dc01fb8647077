"""Globs as local.Command reads them: `*` stays within a folder, `**` does not, a leading `!` excludes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path


class GlobError(ValueError):
    """A glob that cannot be read."""


def matching_files(directory: Path, globs: Sequence[str]) -> list[str]:
    """Paths of the files below `directory`, relative to it, that the last glob to match includes."""
    rules = [(not glob.startswith("!"), compiled(glob.removeprefix("!"))) for glob in globs]
    found = []
    for path in _files(directory):
        included = False
        for includes, pattern in rules:
            if pattern.fullmatch(path):
                included = includes
        if included:
            found.append(path)
    return found


def compiled(glob: str) -> re.Pattern[str]:
    """A regular expression for the glob, for the whole of a path. Raises GlobError."""
    pattern, depth, at = "", 0, 0
    while at < len(glob):
        character = glob[at]
        at += 1
        if character == "*":
            if glob.startswith("*", at):
                pattern += ".*"
                at += len(glob[at:]) - len(glob[at:].lstrip("*"))
            else:
                pattern += "[^/]*"
        elif character == "?":
            pattern += "[^/]"
        elif character == "[":
            text, at = _character_class(glob, at)
            pattern += text
        elif character == "{":
            pattern, depth = pattern + "(?:", depth + 1
        elif character == "}" and depth:
            pattern, depth = pattern + ")", depth - 1
        elif character == "," and depth:
            pattern += "|"
        elif character == "\\" and at < len(glob):
            pattern += re.escape(glob[at])
            at += 1
        else:
            pattern += re.escape(character)
    if depth:
        raise GlobError(f"glob {glob!r}: a {{ is not closed")
    return re.compile(pattern, re.DOTALL)


def _character_class(glob: str, start: int) -> tuple[str, int]:
    end = glob.find("]", start + (2 if glob.startswith("!", start) else 1))
    if end < 0:
        raise GlobError(f"glob {glob!r}: a [ is not closed")
    inside = glob[start:end]
    negated = inside.startswith("!")
    inside = inside.removeprefix("!")
    span = re.fullmatch(r"(.)-(.)", inside, re.DOTALL)
    text = f"{re.escape(span[1])}-{re.escape(span[2])}" if span else re.escape(inside)
    return f"[{'^' if negated else ''}{text}]", end + 1


def _files(directory: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(directory, onerror=_fail):
        folders.sort()
        for name in sorted(names):
            yield (Path(folder) / name).relative_to(directory).as_posix()


def _fail(problem: OSError) -> None:
    raise problem
