"""The engine's event log, each event with the moment at which it arrived. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.errors import SandboxError

_KINDS = ("resourcePreEvent", "resOutputsEvent")


class MomentMissing(SandboxError):
    """The event log does not hold what was looked for; the message names it."""


@dataclass(frozen=True)
class Moment:
    """An event of the engine, `at` seconds of the monotonic clock."""

    at: float
    event: Mapping[str, Any]


def finished(moments: Sequence[Moment], type_: str, name: str) -> float:
    """When the engine was done with that resource. Raises MomentMissing."""
    return _only(moments, "resOutputsEvent", type_, name)


def said(moments: Sequence[Moment], name: str, text: str) -> float:
    """When the resource first said something that holds `text`. Raises MomentMissing."""
    for moment in moments:
        diagnostic = moment.event.get("diagnosticEvent", {})
        if diagnostic.get("urn", "").endswith(name) and text in diagnostic.get("message", ""):
            return moment.at
    raise MomentMissing(f"{name} never said {text!r}")


def said_last(moments: Sequence[Moment], name: str, text: str) -> float:
    """When the resource last said something that holds `text`. Raises MomentMissing."""
    return said(moments[::-1], name, text)


def begun_first(moments: Sequence[Moment], type_: str, name: str) -> float:
    """When the engine began with the first of the resources whose names end with `name`. Raises MomentMissing."""
    found = _of_resource(moments, "resourcePreEvent", type_, name)
    if (at := next(found, None)) is None:
        raise MomentMissing(f"the engine never began with a {type_} {name}")
    return at


def finished_last(moments: Sequence[Moment], type_: str, pattern: str) -> float:
    """When the engine was done with the last of the resources whose names end like the pattern. Raises MomentMissing.

    Each that began must have finished.
    """
    ends = re.compile(f"{pattern}$")
    names = {name for kind in _KINDS for _, name in _resources(moments, kind, type_) if ends.search(name)}
    if not names:
        raise MomentMissing(f"there is no {type_} {pattern}")
    return max(_only(moments, "resOutputsEvent", type_, name) for name in names)


def was_made(moments: Sequence[Moment], name: str) -> bool:
    """Whether the engine began with a resource whose name ends with `name`."""
    return any(
        moment.event.get("resourcePreEvent", {}).get("metadata", {}).get("urn", "").endswith(name) for moment in moments
    )


def _only(moments: Sequence[Moment], kind: str, type_: str, name: str) -> float:
    found = list(_of_resource(moments, kind, type_, name))
    if len(found) != 1:
        raise MomentMissing(f"{len(found)} events {kind} of a {type_} {name} instead of one")
    return found[0]


def _of_resource(moments: Sequence[Moment], kind: str, type_: str, name: str) -> Iterator[float]:
    return (at for at, own_name in _resources(moments, kind, type_) if own_name.endswith(name))


def _resources(moments: Sequence[Moment], kind: str, type_: str) -> Iterator[tuple[float, str]]:
    """Moment and name of each event of that kind and type."""
    for moment in moments:
        urn: str = moment.event.get(kind, {}).get("metadata", {}).get("urn", "")
        types, _, name = urn.rpartition("::")
        if types.split("::")[-1].split("$")[-1] == type_:
            yield moment.at, name
