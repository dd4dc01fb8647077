"""From settings back to plain values, spelled as in a stack file. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from components.settings.about import key_of
from components.settings.model import Settings


def plain(settings: Settings) -> dict[str, Any]:
    """All settings, defaults included, as objects, lists, strings, numbers and booleans."""
    return {key_of(f.name): _plain(getattr(settings, f.name)) for f in fields(settings)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {key_of(f.name): _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):
        return str(value)
    return value
