"""Which settings differ between what runs and what is proposed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.settings.encode import plain
from components.settings.model import Settings
from components.settings.problems import shown


def settings_diff(old: Settings, new: Settings) -> tuple[tuple[str, str, str], ...]:
    """Key path, value before, value after, for each setting that differs."""
    before, after = dict(_flat(plain(old), "")), dict(_flat(plain(new), ""))
    paths = dict.fromkeys([*before, *after])
    return tuple(
        (path, _said(before, path), _said(after, path))
        for path in paths
        if before.get(path, _said) != after.get(path, _said)
    )


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            yield from _flat(item, f"{path}[{number}]")
    else:
        yield path, value


def _said(values: Mapping[str, Any], path: str) -> str:
    if path not in values:
        return "not there"
    value = values[path]
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "empty"
    return shown(value).strip("'")
