"""Where the sandbox keeps what it builds (cache) and what it runs on (state)."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def cache_dir() -> Path:
    """Everything that a second run may reuse; shared by all checkouts of one user."""
    explicit = os.environ.get("QUORATE_CACHE")
    if explicit:
        return Path(explicit)
    return Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))) / "quorate"


def state_dir() -> Path:
    """What belongs to the running sandbox: account, machines, keys, stacks. `down` removes most of it."""
    explicit = os.environ.get("QUORATE_STATE")
    if explicit:
        return Path(explicit)
    return Path(os.environ.get("XDG_STATE_HOME", str(Path.home() / ".local/state"))) / "quorate"
