"""The one way in which a step fails."""

from __future__ import annotations


class Failure(Exception):
    """Ends a step. Its text says what was found, where, and what to do; it never holds a secret."""


class Hopeless(Failure):
    """Ends a wait at once."""
