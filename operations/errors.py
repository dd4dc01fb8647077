"""What an operation says when it can't continue."""

from __future__ import annotations


class OperationFailed(Exception):
    """A message for the person who called: what was found, where, what to do."""


class NotAnswered(OperationFailed):
    """Why a question has no answer; `code` is AWS's word for it, if AWS was asked."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code
