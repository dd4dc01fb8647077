"""Names that a program leaves out, field managers' names, and the annotations that go with them. Pure."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from sandbox.engine.kubernetes.objects import Object, annotation, lookup, name_of, set_in, text
from sandbox.engine.plugin.properties import Unknown

AUTONAMED = "pulumi.com/autonamed"
SUFFIX_LENGTH = 8


def random_suffix(seed: bytes) -> str:
    """Eight hexadecimal digits: the same for the same seed, random for an empty one."""
    if not seed:
        return secrets.token_hex(SUFFIX_LENGTH // 2)
    return hashlib.sha256(seed).hexdigest()[:SUFFIX_LENGTH]


def field_manager(inputs: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """The annotation's, the one that the resource was made with, or a new one."""
    return (
        annotation(inputs, "pulumi.com/patchFieldManager")
        or text(state.get("__fieldManager"))
        or f"pulumi-kubernetes-{random_suffix(b'')}"
    )


def is_autonamed(obj: Mapping[str, Any]) -> bool:
    return annotation(obj, AUTONAMED) == "true"


def is_named(obj: Mapping[str, Any]) -> bool:
    """Whether the object has a name, be it one that is not known yet."""
    return isinstance(lookup(obj, "metadata", "name"), Unknown) or bool(name_of(obj))


def give_name(inputs: Object, name: str) -> None:
    """Sets a generated name and marks it as such, where the annotations can be written to."""
    if isinstance(lookup(inputs, "metadata"), Unknown):
        return
    set_in(inputs, name, "metadata", "name")
    if not isinstance(lookup(inputs, "metadata", "annotations"), Unknown):
        set_in(inputs, "true", "metadata", "annotations", AUTONAMED)


def assign_name(inputs: Object, resource_name: str, seed: bytes, proposed: str, mode: str) -> None:
    """Names a new resource that has no name: `resource-1a2b3c4d`, or as the engine's autonaming asks.

    mode: "" (engine has no opinion), "propose", "enforce" or "disabled". Raises ValueError for the last.
    """
    if isinstance(lookup(inputs, "metadata"), Unknown) or is_named(inputs):
        return
    generate = lookup(inputs, "metadata", "generateName")
    if isinstance(generate, Unknown) or text(generate):
        return
    if mode == "disabled":
        raise ValueError("automatic naming is switched off by configuration: set .metadata.name")
    give_name(
        inputs, proposed if mode in ("propose", "enforce") and proposed else f"{resource_name}-{random_suffix(seed)}"
    )


def adopt_name(inputs: Object, old_inputs: Mapping[str, Any]) -> None:
    """An existing resource keeps the name that it was given when it was made."""
    if not is_named(inputs) and is_autonamed(old_inputs):
        give_name(inputs, name_of(old_inputs))
