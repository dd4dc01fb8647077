"""Settings that make sense and that the program can't build yet. Pure. Shrinks until it is empty and can go."""

from __future__ import annotations

from components.settings.model import Settings
from components.settings.problems import Problem
from components.settings.rules.facts import problem


def unsupported(settings: Settings) -> tuple[Problem, ...]:
    """What a stack asks for that isn't built yet: refused, so that nothing is silently left out."""
    asked: tuple[tuple[bool, str, object, str], ...] = (
        (settings.backups.enabled, "backups.enabled", True, "use false"),
    )
    return tuple(problem(path, found, f"Not built yet: {instead}.") for no, path, found, instead in asked if no)
