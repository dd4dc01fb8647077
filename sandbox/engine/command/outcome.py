"""What changed inputs do to a command, and what is known of its outputs before it has run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import PropertyDiff, PropertyDiffKind
from pulumi.runtime.rpc import UNKNOWN

from sandbox.engine.command.inputs import Properties, plain
from sandbox.engine.command.schema import RESOURCES

RESULTS = ("stdout", "stderr")
UNKNOWN_RESULTS = {name: PropertyValue(UNKNOWN) for name in RESULTS}


def differences(token: str, state: Properties, inputs: Properties) -> dict[str, PropertyDiff]:
    """How new inputs differ from those that the state holds, by property path. Secret and plain differ.

    Only a whole property replaces here, as in the original: a change inside `triggers` replaces because the SDKs
    pass replaceOnChanges for it.
    """
    properties = RESOURCES[token]["inputProperties"]
    old = {name: value for name, value in state.items() if name in properties}
    found = {}
    for path, kind in _in_objects("", old, inputs):
        replaces = "_REPLACE" if properties.get(path, {}).get("replaceOnChanges") else ""
        found[path] = PropertyDiff(PropertyDiffKind[kind + replaces], input_diff=False)
    return found


def _in_objects(at: str, old: Properties, new: Properties) -> Iterator[tuple[str, str]]:
    for key in sorted(old.keys() | new.keys()):
        yield from _in_values(f"{at}.{key}" if at else key, old.get(key), new.get(key))


def _in_values(at: str, old: PropertyValue | None, new: PropertyValue | None) -> Iterator[tuple[str, str]]:
    before, after = old and old.value, new and new.value
    secret = bool((old and old.is_secret) or (new and new.is_secret))
    if isinstance(before, tuple) and isinstance(after, tuple) and not secret:
        for index in range(max(len(before), len(after))):
            items = [values[index] if index < len(values) else None for values in (before, after)]
            yield from _in_values(f"{at}[{index}]", *items)
    elif isinstance(before, Mapping) and isinstance(after, Mapping) and not secret:
        yield from _in_objects(at, before, after)
    elif before is None and after is not None:
        yield at, "ADD"
    elif before is not None and after is None:
        yield at, "DELETE"
    elif before is not None and old != new:
        yield at, "UPDATE"


def previewed_results(token: str, state: Properties, inputs: Properties) -> dict[str, PropertyValue]:
    """Results at preview of an update: the last ones stay known as long as no input changes."""
    given = {name: plain(inputs.get(name)) for name in RESOURCES[token]["inputProperties"]}
    changed = any(name in state and value != plain(state[name]) for name, value in given.items())
    return UNKNOWN_RESULTS if changed or UNKNOWN in str(given) else last_results(state)


def last_results(state: Properties) -> dict[str, PropertyValue]:
    return {name: state[name].with_secret(False) if name in state else PropertyValue("") for name in RESULTS}
