"""What the sandbox honours of a request; all else is refused by name, since what is dropped in silence is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

CODE = "SandboxNotModelled"

Known = Mapping[str, tuple[Any, ...] | None]
"""The parameters that are honoured: with one of these values, or, where it is None, with any."""


def known(any_value: str, limited: Mapping[str, tuple[Any, ...]] | None = None) -> Known:
    """Names, with spaces between, that are honoured with any value, and those with some values only."""
    return {**dict.fromkeys(any_value.split()), **(limited or {})}


@dataclass(frozen=True)
class Limits:
    """Refusals about one kind of thing, such as `Auto Scaling groups`, as an `error` of its service."""

    error: Callable[[str, str], Exception]
    things: str
    service: str

    def check(self, action: str, known: Known, told: Iterable[tuple[str, Any]]) -> None:
        """Raises the error for the first parameter that says something which is not honoured."""
        for name, value in told:
            allowed = known.get(name, ())
            if value not in (None, "", [], {}) and allowed is not None and value not in allowed:
                self.refuse(action, name, value)

    def refuse(self, action: str, name: str, value: Any) -> NoReturn:
        raise self.error(CODE, f"the sandbox's {self.things} do not have {name} ({value}): {action} refused")

    def refuse_calls(self, responses: type, names: str) -> None:
        """Makes moto's methods for these calls, with spaces between, refuse."""
        for name in names.split():
            setattr(responses, name, self._refusal(name))

    def _refusal(self, name: str) -> Any:
        def refuse(_: Any) -> NoReturn:
            raise self.error(CODE, f"the sandbox does not model {self.service}:{action_of(name)}")

        return refuse


def action_of(name: str) -> str:
    """`CreateLoadBalancer` of `create_load_balancer`."""
    return "".join(part.capitalize() for part in name.split("_"))
