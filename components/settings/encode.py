"""From settings back to plain values, spelled as in a stack file. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from components.settings.about import key_of
from components.settings.model import Settings


def plain(settings: Settings) -> dict[str, Any]:
    """All settings, defaults included, as objects, lists, strings, numbers and booleans."""
    return {key_of(f.name): plain_value(getattr(settings, f.name)) for f in fields(settings)}


def plain_value(value: Any) -> Any:
    """A value of the model as a plain one."""
    if is_dataclass(value):
        return {key_of(f.name): plain_value(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [plain_value(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):
        return str(value)
    return value
