"""What changes between the cluster's object and new inputs, property by property. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.engine.kubernetes.normalize import is_dropped_when_empty, same
from sandbox.engine.kubernetes.objects import MISSING
from sandbox.engine.kubernetes.replacements import matches
from sandbox.engine.plugin.differences import Change, Path
from sandbox.engine.plugin.properties import Unknown


@dataclass(frozen=True)
class PropertyChange:
    """One changed property; `replaces` when the object must be made anew for it."""

    path: Path
    change: Change
    replaces: bool

    @property
    def key(self) -> str:
        return property_path(self.path)


def property_path(path: Path) -> str:
    """As Pulumi writes it: `spec.ports[0].port`, `metadata.annotations["example.com/a"]`."""
    result = ""
    for step in path:
        if isinstance(step, int):
            result += f"[{step}]"
        elif re.search(r'[."\[\]]', step):
            result += '["' + step.replace('"', '\\"') + '"]'
        else:
            result += f".{step}" if result else step
    return result


def contains(outer: Path, inner: Path) -> bool:
    """Whether the ignored path `outer` covers `inner`."""
    return len(outer) <= len(inner) and all(a in ("*", b) for a, b in zip(outer, inner, strict=False))


def compare(
    live: Mapping[str, Any],
    new: Mapping[str, Any],
    old_inputs: Mapping[str, Any],
    forced: Iterable[str],
    ignored: Iterable[Path] = (),
) -> list[PropertyChange]:
    """Changes from `live` (pruned to what the program wrote before) to `new`, without the ignored ones."""
    patterns, ignoring = tuple(forced), tuple(ignored)
    return [
        PropertyChange(path, change, any(matches(path, pattern, value) for pattern in patterns))
        for path, change, value in _changes((), live, new, old_inputs)
        if not any(contains(outer, path) for outer in ignoring)
    ]


def _changes(path: Path, old: Any, new: Any, old_input: Any) -> Iterator[tuple[Path, Change, Any]]:
    if new is MISSING:
        yield path, Change.DELETE, None
    elif old is MISSING:
        if not is_dropped_when_empty(old_input, new):
            yield path, Change.ADD, new
    elif isinstance(new, Unknown):
        yield path, Change.UPDATE, new
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        inputs = old_input if isinstance(old_input, Mapping) else {}
        for key in (*old, *(key for key in new if key not in old)):
            yield from _changes((*path, key), old.get(key, MISSING), new.get(key, MISSING), inputs.get(key, MISSING))
    elif isinstance(old, list) and isinstance(new, list):
        places = old_input if isinstance(old_input, list) else []
        for index in range(max(len(old), len(new))):
            yield from _changes((*path, index), _at(old, index), _at(new, index), _at(places, index))
    elif not same(old, new, path):
        yield path, Change.UPDATE, new


def _at(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else MISSING
