"""What an operation says when it can't continue."""

from __future__ import annotations


class OperationFailed(Exception):
    """A message for the person who called: what was found, where, what to do."""
