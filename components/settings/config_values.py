"""Values of a stack's configuration. Pure."""

from __future__ import annotations

import json


def decoded(value: object) -> object:
    """What a value says: Pulumi hands objects on as JSON, and texts as they are."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
