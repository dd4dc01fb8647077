"""What is known of a resource's outputs before the command has run, and what changing inputs does to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.engine.command.schema import Resource
from sandbox.engine.plugin.differences import Change, Path, differences, path_text
from sandbox.engine.plugin.properties import UNKNOWN, Properties, Value, contains_unknown, reveal


def changes(resource: Resource, state: Mapping[str, Value], inputs: Mapping[str, Value]) -> dict[Path, Change]:
    """How new inputs differ from those that the state holds."""
    names = {property.name for property in resource.inputs.properties}
    return differences({name: value for name, value in state.items() if name in names}, inputs)


def replaces(resource: Resource, path: Path) -> bool:
    """Whether a change at this path needs a new resource.

    Only a whole property counts here, as in the original: a change inside `triggers` replaces because the SDKs
    pass replaceOnChanges for it.
    """
    if not resource.updatable:
        return True
    property = resource.inputs.property(path_text(path))
    return property is not None and property.replaces


def previewed_creation(resource: Resource, inputs: Mapping[str, Value]) -> Properties:
    """Outputs at preview of a creation: inputs as they are, results unknown."""
    results: Properties = {property.name: UNKNOWN for property in resource.results if property.required}
    return {**inputs, **results}


def previewed_update(resource: Resource, state: Mapping[str, Value], inputs: Mapping[str, Value]) -> Properties:
    """Outputs at preview of an update: the last results stay known as long as nothing changes that they depend on."""
    uncertain = any(
        contains_unknown(inputs.get(property.name))
        or (property.name in state and reveal(inputs.get(property.name)) != reveal(state[property.name]))
        for property in resource.inputs.properties
    )
    results: Properties = {}
    for property in resource.results:
        if property.name in state or property.required:
            results[property.name] = UNKNOWN if uncertain else reveal(state.get(property.name, ""))
    return {**inputs, **results}
