"""The settings that the living cluster was last given, as the stack's own state recorded them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi

from components.settings.encode import plain
from components.settings.model import Settings
from components.settings.validate import restore

CLUSTER_TYPE = "quorate:index:Cluster"
OUTPUT = "settings"

# Of the engine itself. Unlike a StackReference it answers before anything is registered, and unlike the stack's outputs
# the cluster's are recorded even where the first update failed half-way.
_READ_STATE = "pulumi:pulumi:readStackResourceOutputs"


def record(settings: Settings) -> Mapping[str, str]:
    """The cluster's output for its next update. As text, because the engine turns whole numbers into fractions."""
    return {OUTPUT: json.dumps(plain(settings), sort_keys=True)}


def recorded_settings() -> Settings | None:
    """What the cluster in this stack's state was made or last changed with; None where there is no cluster yet."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    answer = pulumi.runtime.invoke(_READ_STATE, {"stackName": stack}).value
    recorded = _cluster_settings((answer or {}).get("outputs") or {})
    if recorded is None:
        return None
    try:
        return restore(json.loads(recorded))
    except ValueError as error:
        pulumi.log.warn(
            "the state's record of this cluster's settings can't be read, so what may change on a living cluster is "
            f"not checked here; compare the preview with the last deployment yourself.\n{error}"
        )
        return None


def _cluster_settings(resources: Mapping[str, Any]) -> str | None:
    """The record in `resources`: URN to its type and outputs."""
    for resource in resources.values():
        if resource.get("type") == CLUSTER_TYPE:
            recorded = (resource.get("outputs") or {}).get(OUTPUT)
            return recorded if isinstance(recorded, str) else None
    return None
