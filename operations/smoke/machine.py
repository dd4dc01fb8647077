"""A machine of the stack, as the questions ask it. Nothing here changes anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from components.plan import Plan
from operations.errors import NotAnswered
from operations.remote.machines import opened
from operations.smoke import on_machine


class AskMachine(Protocol):
    """What a machine of the stack says of itself, by the machine's name. Raises NotAnswered."""

    def facts(self, name: str, *arguments: str) -> Any: ...


@dataclass(frozen=True)
class Machine:
    """A machine of the stack, by SSH, with what the stack exports."""

    plan: Plan
    exported: Callable[[], Mapping[str, Any]]

    def facts(self, name: str, *arguments: str) -> Any:
        """What on_machine.py says on the machine of this name. Raises NotAnswered."""
        script = Path(on_machine.__file__).read_bytes()
        with opened(self.plan, self.exported()) as machines:
            said = machines.ask(name, ["python3", "-", *arguments], script)
        try:
            return json.loads(said)
        except ValueError:
            raise NotAnswered(f"{name} answered with something else than JSON") from None
