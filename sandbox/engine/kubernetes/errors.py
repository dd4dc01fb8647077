"""What can go wrong after an object exists: it is there, but not as it should be."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.engine.kubernetes.objects import Object, name_of


class PartialError(Exception):
    """The operation got as far as `object`; `reasons` say what is missing."""

    def __init__(self, message: str, obj: Object, reasons: Sequence[str]) -> None:
        super().__init__(message)
        self.object = obj
        self.reasons = list(reasons)


class TimedOutError(PartialError):
    def __init__(self, obj: Object, reasons: Sequence[str]) -> None:
        super().__init__(f"'{name_of(obj)}' timed out waiting to be Ready", obj, reasons)


class InitializationError(PartialError):
    def __init__(self, obj: Object, reasons: Sequence[str]) -> None:
        super().__init__(f"Resource '{name_of(obj)}' was created but failed to initialize", obj, reasons)


class CancelledError(PartialError):
    def __init__(self, obj: Object, reasons: Sequence[str]) -> None:
        super().__init__(f'Resource operation was cancelled for "{name_of(obj)}"', obj, reasons)


class NotDeletedError(PartialError):
    """Deletion was asked for and didn't end in time."""
