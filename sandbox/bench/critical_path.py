"""The chain of resources that an update's end waited for, backwards from the last one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.bench.events import Moment


@dataclass(frozen=True)
class Link:
    """A resource (its type's last word and its name), and when the engine worked on it, in seconds since the start."""

    resource: str
    begun: float
    finished: float


def critical_path(start: float, moments: Sequence[Moment], deployment: Mapping[str, Any]) -> Sequence[Link]:
    """Each resource in it waited for the one before, and the last one for all. `deployment` is an exported state's."""
    begun = _times(moments, "resourcePreEvent")
    finished = _times(moments, "resOutputsEvent")
    needs = {resource["urn"]: _needs(resource) for resource in deployment["resources"]}
    # A component is finished as soon as it is registered, whatever its children wait for.
    custom = {resource["urn"] for resource in deployment["resources"] if resource.get("custom")}
    known = custom & begun.keys() & finished.keys()
    chain: list[Link] = []
    urn = max(known, key=finished.__getitem__, default=None)
    while urn is not None:
        kind, name = urn.split("::")[-2:]
        resource = f"{kind.split('$')[-1].split(':')[-1]} {name}"
        chain.append(Link(resource, begun[urn] - start, finished[urn] - start))
        urn = max(needs[urn] & known, key=finished.__getitem__, default=None)
    return chain[::-1]


def _needs(resource: Mapping[str, Any]) -> set[str]:
    needed = set(resource.get("dependencies") or ())
    if provider := resource.get("provider"):
        # URN::ID
        needed.add(provider.rpartition("::")[0])
    return needed


def _times(moments: Sequence[Moment], kind: str) -> Mapping[str, float]:
    """The last one by resource."""
    found = {}
    for moment in moments:
        if urn := moment.event.get(kind, {}).get("metadata", {}).get("urn"):
            found[urn] = moment.at
    return found
