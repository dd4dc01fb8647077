"""Kubernetes objects as plain dictionaries: identity, lookups, annotations, pruning. Pure.

Numbers are as JSON has them. A value that is not known yet is UNKNOWN wherever it stands.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Object = dict[str, Any]


class Missing:
    """The type of MISSING: what `lookup` answers when there is nothing, which differs from null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


@dataclass(frozen=True)
class Kind:
    """Group, version and kind; the core group is the empty string."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return f"{self.api_version}/{self.kind}"


def kind_of(obj: Mapping[str, Any]) -> Kind:
    """Of an object with apiVersion and kind; `core/v1` is the core group, as Pulumi writes it."""
    api_version = text(obj.get("apiVersion"))
    group, _, version = api_version.rpartition("/")
    return Kind("" if group == "core" else group, version, text(obj.get("kind")))


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def lookup(obj: Any, *path: str) -> Any:
    """The value at the path, or MISSING."""
    for key in path:
        if not isinstance(obj, Mapping) or key not in obj:
            return MISSING
        obj = obj[key]
    return obj


def mapping(obj: Any, *path: str) -> Mapping[str, Any]:
    """The mapping at the path; empty when there is none."""
    found = lookup(obj, *path)
    return found if isinstance(found, Mapping) else {}


def sequence(obj: Any, *path: str) -> list[Any]:
    """The list at the path; empty when there is none."""
    found = lookup(obj, *path)
    return found if isinstance(found, list) else []


def integer(obj: Any, *path: str, default: int = 0) -> int:
    """The whole number at the path."""
    found = lookup(obj, *path)
    return int(found) if isinstance(found, int | float) and not isinstance(found, bool) else default


def name_of(obj: Mapping[str, Any]) -> str:
    return text(lookup(obj, "metadata", "name"))


def namespace_of(obj: Mapping[str, Any]) -> str:
    return text(lookup(obj, "metadata", "namespace"))


def uid_of(obj: Mapping[str, Any]) -> str:
    return text(lookup(obj, "metadata", "uid"))


def annotation(obj: Mapping[str, Any], key: str) -> str:
    return text(lookup(obj, "metadata", "annotations", key))


def condition(obj: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The status condition of that type; empty when it is not there."""
    for entry in sequence(obj, "status", "conditions"):
        if isinstance(entry, Mapping) and entry.get("type") == kind:
            return entry
    return {}


def owned_by(obj: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    """Whether an ownerReference names the owner's uid."""
    wanted = uid_of(owner)
    return bool(wanted) and any(
        text(lookup(ref, "uid")) == wanted for ref in sequence(obj, "metadata", "ownerReferences")
    )


def set_in(obj: Object, value: Any, *path: str) -> None:
    """Sets the value at the path, making mappings on the way."""
    for key in path[:-1]:
        below = obj.get(key)
        if not isinstance(below, dict):
            below = obj[key] = {}
        obj = below
    obj[path[-1]] = value


def remove_in(obj: Object, *path: str) -> None:
    below = lookup(obj, *path[:-1])
    if isinstance(below, dict):
        below.pop(path[-1], None)


def resource_id(obj: Mapping[str, Any]) -> str:
    """Pulumi's id: `namespace/name`, or the name alone for what has no namespace."""
    namespace = namespace_of(obj)
    return f"{namespace}/{name_of(obj)}" if namespace else name_of(obj)


def split_id(identifier: str) -> tuple[str, str]:
    """Namespace (empty for none) and name of a Pulumi id."""
    parts = identifier.split("/")
    return ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])


def walk(value: Any) -> Iterator[Any]:
    """Every value inside, the outermost first."""
    yield value
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for entry in inside:
        yield from walk(entry)


def prune(live: Any, shape: Any) -> Any:
    """What `live` has at the places that `shape` has too.

    Values of different types are taken whole, and lists are compared place by place, so that what a person
    wrote is compared with what the cluster holds and not with the cluster's own additions.
    """
    if isinstance(live, Mapping) and isinstance(shape, Mapping):
        return {key: prune(value, shape[key]) for key, value in live.items() if key in shape}
    if isinstance(live, list) and isinstance(shape, list):
        return [prune(value, wanted) for value, wanted in zip(live, shape, strict=False)]
    return copy.deepcopy(live)
