"""What a rule is, and what it may look at. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from components.settings.model import Settings
from components.settings.problems import Problem, shown

NAMESPACE = "quorate"


@dataclass(frozen=True)
class Facts:
    """Decoded settings, the key paths that the stack file gave, and those whose values had to be replaced.

    `living`: the stack has a cluster already, or may have one.
    """

    settings: Settings
    given: frozenset[str] = frozenset()
    unsound: frozenset[str] = frozenset()
    living: bool = False

    def was_given(self, path: str) -> bool:
        """Whether the stack file itself says this, rather than a default."""
        return f"{NAMESPACE}:{path}" in self.given

    def sound(self, path: str) -> bool:
        """Whether nothing at, above or below this key path was replaced."""
        whole = f"{NAMESPACE}:{path}"
        return not any(bad == whole or _within(bad, whole) or _within(whole, bad) for bad in self.unsound)


@dataclass(frozen=True)
class Rule:
    """A check over several values. It runs only when all that it `reads` (key paths) could be decoded.

    `advises`: what it finds is said, and nothing is refused. `spares_living`: nothing is refused of a cluster that is
    there, and that may run so since before there was this rule.
    """

    reads: tuple[str, ...]
    check: Callable[[Facts], Iterable[Problem]]
    advises: bool = False
    spares_living: bool = False

    def refuses(self, facts: Facts) -> bool:
        """Whether what it finds in `facts` is refused, and not only said."""
        return not (self.advises or (self.spares_living and facts.living))

    def problems(self, facts: Facts) -> Iterable[Problem]:
        """What this rule has to say about `facts`."""
        return self.check(facts) if all(facts.sound(path) for path in self.reads) else ()


def problem(path: str, found: object, remedy: str) -> Problem:
    """A problem at a key path given without the namespace."""
    return Problem(f"{NAMESPACE}:{path}", shown(found), remedy)


def _within(inner: str, outer: str) -> bool:
    return inner.startswith(outer) and inner[len(outer) : len(outer) + 1] in (".", "[")
