"""What a question says when it has no answer."""

from __future__ import annotations


class NotAnswered(Exception):
    """Why a question has no answer; `code` is AWS's word for it, if AWS was asked."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code
