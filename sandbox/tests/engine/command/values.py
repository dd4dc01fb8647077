"""Property values out of plain Python, for tests."""

from __future__ import annotations

from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue


def value(plain: Any, secret: bool = False) -> PropertyValue:
    if isinstance(plain, PropertyValue):
        return plain
    if isinstance(plain, dict):
        return PropertyValue({key: value(item) for key, item in plain.items()}, secret)
    if isinstance(plain, list):
        return PropertyValue([value(item) for item in plain], secret)
    return PropertyValue(plain, secret)


def values(**plain: Any) -> dict[str, PropertyValue]:
    return {name: value(item) for name, item in plain.items()}
