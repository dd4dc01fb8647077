"""The engine's event log, each event with the moment at which it arrived. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.errors import SandboxError


class MomentMissing(SandboxError):
    """The event log does not hold what was looked for; the message names it."""


@dataclass(frozen=True)
class Moment:
    """An event of the engine, `at` seconds of the monotonic clock."""

    at: float
    event: Mapping[str, Any]


def begun(moments: Sequence[Moment], type_: str, name: str) -> float:
    """When the engine began with the resource whose name ends with `name`. Raises MomentMissing."""
    return _only(moments, "resourcePreEvent", type_, name)


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


def _only(moments: Sequence[Moment], kind: str, type_: str, name: str) -> float:
    found = list(_of_resource(moments, kind, type_, name))
    if len(found) != 1:
        raise MomentMissing(f"{len(found)} events {kind} of a {type_} {name} instead of one")
    return found[0]


def _of_resource(moments: Sequence[Moment], kind: str, type_: str, name: str) -> Iterator[float]:
    for moment in moments:
        urn = moment.event.get(kind, {}).get("metadata", {}).get("urn", "")
        if urn.endswith(name) and urn.split("::")[-2:][0].split("$")[-1] == type_:
            yield moment.at
