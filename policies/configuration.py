"""What the stack's configuration says to rules, made once, when the engine sends it to the policy pack.

The engine sends it with `ConfigureStack`, of which pulumi_policy 1.21 passes on the stack's tags only, and leaves
PULUMI_CONFIG, where pulumi_policy looks for configuration, to older engines. This is the only file that knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulumi.runtime.config import get_config_env
from pulumi_policy.policy import _PolicyAnalyzerServicer

from components.settings.config_values import decoded
from policies.catalogue import NAMES
from policies.context import context_of
from policies.exemptions import KEY, Exemption, exemptions, misspelt
from policies.model import Context


@dataclass(frozen=True)
class Configured:
    """What rules know of the stack, the sound exemptions, and what is wrong with what it says to policies."""

    context: Context
    exemptions: tuple[Exemption, ...]
    problems: tuple[str, ...]


def configured(config: Mapping[str, str]) -> Configured:
    """`config`: full key to text, objects as JSON; without encrypted values, which no rule needs."""
    sound, wrong = exemptions(decoded(config.get(KEY)), NAMES)
    return Configured(context_of(config), sound, (*misspelt(config), *wrong))


class StackConfiguration:
    """The configuration of the stack that the engine asks about."""

    def __init__(self) -> None:
        self._current: Configured | None = None

    def listen(self) -> None:
        """From now on keeps what the engine sends. Once, before the pack starts."""
        pass_on = _PolicyAnalyzerServicer.ConfigureStack

        def configure_stack(servicer: Any, request: Any, context: Any) -> Any:
            secret = set(request.config_secret_keys)
            self._current = configured({key: value for key, value in request.config.items() if key not in secret})
            return pass_on(servicer, request, context)

        setattr(_PolicyAnalyzerServicer, "ConfigureStack", configure_stack)  # noqa: B010 - types forbid the plain form

    def current(self) -> Configured:
        """What the engine sent last; of an older engine, which sends nothing, what it left in the environment."""
        if self._current is None:
            self._current = configured(get_config_env())
        return self._current
