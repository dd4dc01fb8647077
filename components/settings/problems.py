"""What is wrong with a stack file, said to the person who wrote it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One problem to fix.

    `key_path` is spelled as `pulumi config set --path` takes it (`quorate:network.vpcCidr`, `quorate:workers[0].name`),
    `found` is what stands there, shortened, `remedy` a sentence that says what to do and why.
    """

    key_path: str
    found: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.key_path}: found {self.found}. {self.remedy}"


class InvalidSettings(ValueError):
    """Settings that were refused, with all problems that could be found at once, in the order of the model."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(listing(self.problems))


def listing(problems: Iterable[Problem]) -> str:
    """One numbered paragraph per problem."""
    return "\n".join(
        f"  {number}. {problem.key_path}\n     found: {problem.found}\n     {problem.remedy}"
        for number, problem in enumerate(problems, start=1)
    )


def path_of_entry(path: str, key: str) -> str:
    """The key path of an entry of a map."""
    return f'{path}["{key}"]' if any(character in key for character in '.[]"') else f"{path}.{key}"


def shown(value: object, limit: int = 60) -> str:
    """A value of a stack file as a short phrase; containers by their size, so that nothing long is repeated."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = repr(str(value)) if _is_plain(value) else ascii(str(value))
        return text if len(text) <= limit else f"{text[:limit]}… ({len(value)} characters)"
    if isinstance(value, dict | list | tuple) and not value:
        return "an empty object" if isinstance(value, dict) else "an empty list"
    if isinstance(value, dict):
        return f"an object with {len(value)} key{'' if len(value) == 1 else 's'}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)} item{'' if len(value) == 1 else 's'}"
    if isinstance(value, int) and abs(value) > 10**20:
        return "a number of more than twenty digits"
    return str(value)


def shown_path(path: str) -> str:
    """A key path for a message: short, and nothing in it that a terminal would obey, or that looks like another."""
    return path if _is_plain(path) and len(path) <= 120 else ascii(path[:120])[1:-1]


def plain_key(key: str) -> str:
    """A key without what is easily written otherwise: capitals, hyphens, letters of other alphabets."""
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKC", key[:80]).casefold())


def _is_plain(text: str) -> bool:
    """Letters of other alphabets may look like those of this one."""
    return text.isascii() and text.isprintable()
