"""What a stack exports, its secrets too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from operations.errors import NotAnswered
from operations.remote.programs import said

NOT_UP = "the stack is not up: run `pulumi up` first"


def outputs(stack: str) -> Mapping[str, Any]:
    """By their names (docs/operate.md); nothing before the first `pulumi up`. Raises NotAnswered."""
    printed = said(["pulumi", "stack", "output", "--json", "--show-secrets", "--non-interactive", "--stack", stack])
    try:
        found = json.loads(printed)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotAnswered("`pulumi stack output` answered with something else than JSON")
    return found
