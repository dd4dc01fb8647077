"""Which changes of settings an existing cluster refuses. Pure. The table itself is in the model, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from components.settings.about import Change, about_of, key_of
from components.settings.model import NetworkPluginName, NetworkPluginSettings, Settings
from components.settings.plugin_versions import minor_of, why_unknown
from components.settings.problems import Problem, shown
from components.settings.rules.facts import NAMESPACE


def refused_changes(old: Settings, new: Settings) -> tuple[Problem, ...]:
    """What can't be done to a cluster made with `old` to make it one of `new`; empty when all can."""
    by_field = (
        problem
        for group in fields(Settings)
        if is_dataclass(getattr(old, group.name))
        for problem in _in_group(
            getattr(old, group.name), getattr(new, group.name), f"{NAMESPACE}:{key_of(group.name)}"
        )
    )
    return (*by_field, *_older_calico(old.network_plugin, new.network_plugin))


def moves_of_the_api(old: Settings, new: Settings) -> Iterator[Problem]:
    """Changes of the API's address, by which alone pulumi-kubernetes knows a cluster that an older release made: at
    another address it is another one, and what pulumi keeps in the old one is deleted.
    """
    for field in fields(old.api_endpoint):
        before, after = getattr(old.api_endpoint, field.name), getattr(new.api_endpoint, field.name)
        if before != after:
            yield Problem(
                f"{NAMESPACE}:apiEndpoint.{key_of(field.name)}",
                _changed(before, after),
                f"Run `pulumi up` with {shown(before)} first, then change it: an older release made this cluster, and "
                "Pulumi would delete what it keeps in the cluster when the API's address changes.",
            )


def _in_group(old: Any, new: Any, path: str) -> Iterator[Problem]:
    for field in fields(old):
        before, after, about = getattr(old, field.name), getattr(new, field.name), about_of(field)
        if before == after:
            continue
        key_path = f"{path}.{key_of(field.name)}"
        if about.change is Change.REFUSED:
            yield Problem(key_path, _changed(before, after), f"Change it back to {shown(before)}: {about.why}.")
        elif about.grows_only and after < before:
            yield Problem(key_path, _changed(before, after), f"Choose {before} or more: it can grow, but not shrink.")


def _older_calico(old: NetworkPluginSettings, new: NetworkPluginSettings) -> Iterator[Problem]:
    calico = old.name is new.name is NetworkPluginName.CALICO and not why_unknown(new.name, new.version)
    if calico and minor_of(new.version) < minor_of(old.version):
        yield Problem(
            f"{NAMESPACE}:networkPlugin.version",
            _changed(old.version, new.version),
            f"Change it back to {shown(old.version)}: a later minor of Calico stores policies under other names, which "
            "an earlier one doesn't find.",
        )


def _changed(before: Any, after: Any) -> str:
    return f"{shown(after)} instead of {shown(before)}"
