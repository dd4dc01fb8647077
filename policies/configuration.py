"""The stack's configuration, as the engine tells it to a policy pack.

The engine sends it with `ConfigureStack`, of which pulumi_policy 1.21 passes on the stack's tags only, and leaves
PULUMI_CONFIG, where pulumi_policy looks for configuration, to older engines. This is the only file that knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.runtime.config import get_config_env
from pulumi_policy.policy import _PolicyAnalyzerServicer

_told: dict[str, str] = {}


def listen() -> None:
    """From now on keeps what the engine sends. Once, before the pack starts."""
    pass_on = _PolicyAnalyzerServicer.ConfigureStack

    def configure_stack(servicer: Any, request: Any, context: Any) -> Any:
        _told.clear()
        secret = set(request.config_secret_keys)
        _told.update({key: value for key, value in request.config.items() if key not in secret})
        return pass_on(servicer, request, context)

    setattr(_PolicyAnalyzerServicer, "ConfigureStack", configure_stack)  # noqa: B010 - types forbid the plain form


def current() -> Mapping[str, str]:
    """Full key to text, objects as JSON; without encrypted values, which no rule needs."""
    return _told or get_config_env()
