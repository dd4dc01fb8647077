"""What the model says of each setting besides its type: meaning, limits, and what a change of it does. Pure.

Read by decode.py (limits), changes.py (what is refused), schema.py and document.py, so that these can't disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field
from enum import StrEnum
from typing import Any, Final, cast

from components.settings.syntax import Syntax

_KEY: Final = "about"


class Change(StrEnum):
    """What changing a setting does to an existing cluster."""

    IN_PLACE = "in place"
    ROLLS_WORKERS = "in place, workers are replaced in turn"
    RESTARTS_MACHINE = "in place, the machine restarts"
    REPLACES_MACHINE = "replaces the machine"
    ADDED_TO = "in place for what is added; all else is refused on an existing cluster"
    REFUSED = "refused on an existing cluster"


@dataclass(frozen=True)
class About:
    """`minimum` and `maximum` bound a number, or the number of items of a list or map.

    `syntax` is that of a string, of each item of a list, or of each value of a map; `key_syntax` of each key of a map.
    `wanted` is what to write for a number, where its bounds don't say it; `not_offered` are words that are none of the
    choices, and why. `grows_only`: a smaller value is refused on an existing cluster. `why` says why a change is
    refused.
    """

    says: str
    change: Change = Change.IN_PLACE
    minimum: int | None = None
    maximum: int | None = None
    syntax: Syntax | None = None
    key_syntax: Syntax | None = None
    grows_only: bool = False
    why: str = ""
    wanted: str = ""
    not_offered: Mapping[str, str] = field(default_factory=dict)

    def effect(self) -> str:
        """What a change does, in words for a table."""
        if self.grows_only:
            return f"{self.change}; a smaller value is {Change.REFUSED}"
        return str(self.change)


def about(
    says: str,
    change: Change = Change.IN_PLACE,
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    syntax: Syntax | None = None,
    key_syntax: Syntax | None = None,
    grows_only: bool = False,
    why: str = "",
    wanted: str = "",
    not_offered: Mapping[str, str] | None = None,
) -> Mapping[str, About]:
    """The `metadata` of a dataclass field."""
    return {_KEY: About(says, change, minimum, maximum, syntax, key_syntax, grows_only, why, wanted, not_offered or {})}


def about_of(field: Field[Any]) -> About:
    """What the model says of this field. KeyError when it says nothing, which a test forbids."""
    return cast(About, field.metadata[_KEY])


def key_of(field_name: str) -> str:
    """A field's spelling in a stack file: `vpc_cidr` is `vpcCidr`."""
    first, *rest = field_name.split("_")
    return first + "".join(word.capitalize() for word in rest)
