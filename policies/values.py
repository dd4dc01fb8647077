"""Property values as rules see them: plain ones, and UNKNOWN where a preview can't know yet. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final


class _Unknown:
    """Not `None`: the value will be there, and is checked again when it is."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, memo: object) -> _Unknown:
        return self

    def __bool__(self) -> bool:
        raise TypeError("a value that is unknown at preview was used as true or false: ask `known` first")


UNKNOWN: Final = _Unknown()


def known(value: object) -> bool:
    """Whether the preview knows this value."""
    return value is not UNKNOWN


def at(value: Any, *path: str | int) -> Any:
    """The value at a path, None where there is none, UNKNOWN where it or something above it is unknown."""
    for step in path:
        if value is UNKNOWN or value is None:
            return value
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value


def items(value: Any) -> list[Any]:
    """The known items of a list; none of anything else."""
    return [item for item in value if item is not UNKNOWN] if isinstance(value, list) else []


def texts(value: Any) -> Iterator[str]:
    """Every known text in a value, keys of objects left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from texts(item)


def is_true(value: object) -> bool:
    """The provider writes some booleans as texts."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def is_false(value: object) -> bool:
    """Said to be false, rather than left out."""
    return value is False or (isinstance(value, str) and value.lower() == "false")
