"""The provider resource itself: which of its arguments change what. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sandbox.engine.kubernetes import kubeconfig
from sandbox.engine.kubernetes.kubeconfig import KubeconfigError
from sandbox.engine.kubernetes.settings import PREFIX, problems
from sandbox.engine.plugin.properties import Properties, Unknown, Value, reveal, reveal_all

_TARGET = ("kubeconfig", "context", "cluster")
IDENTIFIER = "clusterIdentifier"


def failures(arguments: Properties) -> list[tuple[str, str]]:
    """Arguments that can't be honoured, each with the reason."""
    return problems(reveal_all(arguments))


def as_variables(arguments: Properties) -> dict[str, str]:
    """Arguments as Configure's variables, in which everything is text."""
    return {
        PREFIX + key: value if isinstance(value, str) else json.dumps(value)
        for key, value in reveal_all(arguments).items()
        if value is not None and not isinstance(value, Unknown)
    }


def changed(old: Mapping[str, Value], new: Mapping[str, Value]) -> tuple[list[str], list[str]]:
    """Keys that differ, and those of them for which every object must be made anew: on another cluster.

    Without an identifier of its own a cluster is what its kubeconfig entry says.
    """
    old, new = reveal_all(old), reveal_all(new)
    keys = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    replaces: list[str] = []
    both = old.get(IDENTIFIER) is not None and new.get(IDENTIFIER) is not None
    if both and IDENTIFIER in keys:
        replaces.append(IDENTIFIER)
    unknown = [key for key in _TARGET if isinstance(new.get(key), Unknown)]
    if unknown and keys:
        keys = replaces = [*replaces, unknown[0]]
    elif _active_cluster(old) != _active_cluster(new) and None not in (_active_cluster(old), _active_cluster(new)):
        replaces += [key for key in _TARGET if key in keys]
    if both and IDENTIFIER not in keys:
        replaces = []
    return keys, replaces


def _active_cluster(arguments: Mapping[str, Value]) -> Mapping[str, object] | None:
    given = reveal(arguments.get("kubeconfig"))
    text = given if isinstance(given, str) else json.dumps(given) if isinstance(given, dict) else ""
    if not text:
        return None
    context, cluster = arguments.get("context"), arguments.get("cluster")
    try:
        return kubeconfig.active_cluster(kubeconfig.load(text), _text(context), _text(cluster))
    except KubeconfigError:
        return None


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""
