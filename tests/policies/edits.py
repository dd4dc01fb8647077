"""Ways to change single things of a stack."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from policies.model import Resource, Stack
from tests.policies.sound_stack import urn

Change = Callable[[Stack], Stack]


def setting(kind: str, name: str, *path: str | int, to: Any) -> Change:
    """Sets a property."""
    return _edited(kind, name, lambda props: _put(props, path, to))


def leaving_out(kind: str, name: str, *path: str | int) -> Change:
    """Leaves a property out."""

    def edit(props: dict[str, Any]) -> None:
        place: Any = props
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return _edited(kind, name, edit)


def options(kind: str, name: str, **fields: Any) -> Change:
    """Changes resource options, outputs or references."""
    return lambda stack: _mapped(stack, kind, name, lambda resource: replace(resource, **fields))


def adding(*resources: Resource) -> Change:
    return lambda stack: Stack((*stack.resources, *resources))


def removing(*names: str) -> Change:
    """Removes every resource with one of these names."""
    return lambda stack: Stack(tuple(r for r in stack.resources if r.name not in names))


def all_of(*changes: Change) -> Change:
    def apply(stack: Stack) -> Stack:
        for change in changes:
            stack = change(stack)
        return stack

    return apply


def _put(place: Any, path: tuple[str | int, ...], value: Any) -> None:
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value


def _edited(kind: str, name: str, edit: Callable[[dict[str, Any]], None]) -> Change:
    def change(resource: Resource) -> Resource:
        props = copy.deepcopy(dict(resource.props))
        edit(props)
        return replace(resource, props=props)

    return lambda stack: _mapped(stack, kind, name, change)


def _mapped(stack: Stack, kind: str, name: str, change: Callable[[Resource], Resource]) -> Stack:
    key = urn(kind, name)
    assert any(resource.urn == key for resource in stack.resources), f"the sound stack has no {key}"
    return Stack(tuple(change(resource) if resource.urn == key else resource for resource in stack.resources))
