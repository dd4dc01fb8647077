"""What steps of the node program print that look at a machine. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def last_object(printed: str) -> Mapping[str, Any]:
    """The JSON that a step ends with; lines of its log may stand before it. Raises ValueError."""
    for line in reversed(printed.splitlines()):
        if line.startswith("{"):
            found = json.loads(line)
            if isinstance(found, dict):
                return found
    raise ValueError("there is no JSON in what it printed")
