"""Settings that pass every other check, and whose text needs more room than user data has."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.components.settings.stack_files import changed


def noise(seed: object, length: int) -> str:
    """Letters and digits that gzip can't shorten much."""
    return hashlib.shake_256(str(seed).encode()).hexdigest((length + 1) // 2)[:length]


def long_labels() -> dict[str, str]:
    return {f"{noise(i, 60)}.example.org/{noise(-i, 60)}": noise(f"value {i}", 60) for i in range(50)}


def long_taints() -> list[dict[str, str]]:
    return [{"key": key, "value": value, "effect": "NoSchedule"} for key, value in long_labels().items()]


def with_long_arguments(groups: dict[str, Any]) -> dict[str, Any]:
    """A stack file with arguments of the API server that user data has no room for."""
    names = ("oidc-client-id", "oidc-username-claim", "oidc-groups-claim", "oidc-groups-prefix", "oidc-username-prefix")
    arguments = {"oidc-issuer-url": "https://example.org", **{name: noise(name, 2000) for name in names}}
    return changed(groups, controlPlane__apiServerArguments=arguments)
