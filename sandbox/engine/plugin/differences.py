"""What changed between two property maps, path by path, as the engine's own library sees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum

from sandbox.engine.plugin.properties import Properties, Value

Path = tuple[str | int, ...]

_STEP = re.compile(r'\["((?:\\"|[^"])*)"\]|\[(\d+)\]|\[(\*)\]|\.?([^.\["]+)')
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_]*")


class Change(Enum):
    """Kind of a difference; the values are those of pulumirpc.PropertyDiff.Kind without a replacement."""

    ADD = 0
    DELETE = 2
    UPDATE = 4

    def on_the_wire(self, replaces: bool) -> int:
        return self.value + 1 if replaces else self.value


def differences(old: Mapping[str, Value], new: Mapping[str, Value]) -> dict[Path, Change]:
    """Every path at which the maps differ. A null is the same as a missing key. Secret and plain differ."""
    return dict(_in_objects((), dict(old), dict(new)))


def path_text(path: Path) -> str:
    """`a.b[0]["c.d"]`: how the engine writes a property path."""
    text = ""
    for index, step in enumerate(path):
        if isinstance(step, int):
            text += f"[{step}]"
        elif not _PLAIN_KEY.fullmatch(step):
            text += '["' + step.replace('"', '\\"') + '"]'
        else:
            text += step if index == 0 else f".{step}"
    return text


def parse_path(text: str) -> Path:
    """The inverse of path_text, and "*" for `[*]` or `.*`, any element. Raises ValueError for what is no path."""
    path: list[str | int] = []
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise ValueError(f"property path {text!r}: cannot be read from {text[at:]!r} on")
        quoted, index, any_element, plain = step.groups()
        if quoted is not None:
            path.append(quoted.replace('\\"', '"'))
        else:
            path.append(int(index) if index is not None else any_element or plain)
        at = step.end()
    return tuple(path)


def _in_objects(at: Path, old: Properties, new: Properties) -> Iterator[tuple[Path, Change]]:
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before is None and after is not None:
            yield (*at, key), Change.ADD
        elif before is not None and after is None:
            yield (*at, key), Change.DELETE
        else:
            yield from _in_values((*at, key), before, after)


def _in_values(at: Path, before: Value, after: Value) -> Iterator[tuple[Path, Change]]:
    if isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            if index >= len(before):
                yield (*at, index), Change.ADD
            elif index >= len(after):
                yield (*at, index), Change.DELETE
            else:
                yield from _in_values((*at, index), before[index], after[index])
    elif isinstance(before, dict) and isinstance(after, dict):
        yield from _in_objects(at, before, after)
    elif before is None and after is not None:
        yield at, Change.ADD
    elif before is not None and after is None:
        yield at, Change.DELETE
    elif type(before) is not type(after) or not _same(before, after):
        yield at, Change.UPDATE


def _same(before: Value, after: Value) -> bool:
    hash_before, hash_after = getattr(before, "hash", ""), getattr(after, "hash", "")
    if hash_before and hash_after:
        return bool(hash_before == hash_after)
    return before == after


def detailed(changes: Mapping[Path, Change], replaces: Callable[[Path], bool]) -> dict[str, int]:
    """Path texts to pulumirpc.PropertyDiff.Kind; `replaces` says which of the paths force a replacement."""
    return {path_text(path): change.on_the_wire(replaces(path)) for path, change in changes.items()}
