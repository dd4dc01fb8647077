"""Keys of a stack's configuration that nobody reads. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from components.settings.problems import Problem, shown, shown_path
from components.settings.rules.facts import NAMESPACE
from components.settings.suggestions import nearest

# Beside the program there read: its policies, Pulumi itself, and the providers that the program uses.
OTHER_NAMESPACES: Final = ("aws", "command", "kubernetes", "policies", "pulumi", "tls")
_READ: Final = (NAMESPACE, *OTHER_NAMESPACES)


def unread_keys(keys: Iterable[str]) -> Iterator[Problem]:
    """Those whose namespace is misspelt, or of a provider that the program doesn't use."""
    for key in keys:
        namespace, _, name = key.partition(":")
        if namespace in _READ:
            continue
        near = nearest(namespace, _READ)
        if near:
            remedy = f"Did you mean {shown_path(f'{near}:{name}')}? Nobody reads this one."
        else:
            remedy = f"Remove it: nobody reads it. Namespaces that are read: {', '.join(_READ)}."
        yield Problem(shown_path(key), f"the namespace {shown(namespace)}", remedy)
