"""Values of a stack's configuration, as the engine hands them over. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from components.settings.rules.facts import NAMESPACE

# What int() takes without a limit, and more than any setting needs.
_MOST_DIGITS: Final = 30


@dataclass(frozen=True)
class Unreadable:
    """In place of a value that can't be read, or must not be: what it is, and what to do."""

    found: str
    remedy: str

    def __str__(self) -> str:
        return self.found


TOO_DEEP: Final = Unreadable(
    "lists or objects nested too deeply to be read",
    "Write it as docs/settings.md shows: a list in an object in a list is the deepest that there is.",
)
ENCRYPTED: Final = Unreadable(
    "an encrypted value", "Write it in plain text: settings are shown in previews and carry no secrets."
)


def decoded(value: object) -> object:
    """What a value says: Pulumi hands objects on as JSON, and texts as they are."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_int=_number)
    except RecursionError:
        return TOO_DEEP
    except ValueError:
        return value


def groups_of(config: Mapping[str, object], secret: Collection[str] = ()) -> dict[str, object]:
    """The groups of settings in a stack's whole configuration: group, without namespace, to plain value."""
    return {
        key.removeprefix(f"{NAMESPACE}:"): ENCRYPTED if key in secret else decoded(value)
        for key, value in config.items()
        if key.startswith(f"{NAMESPACE}:")
    }


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)
