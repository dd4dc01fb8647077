"""Fault: an instance is `running` before anything can have booted, and `terminated` before anything can have ended.

Here the two in-between states last until the region reports that the machine has started or ended.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.instances import Instance


def apply(region: str) -> None:
    begin = Instance.__init__
    start, stop, terminate = Instance.start, Instance.stop, Instance.terminate

    def set_state(instance: Any, name: str, code: int) -> None:
        instance._state.name, instance._state.code = name, code

    def begin_pending(self: Any, *arguments: Any, **named: Any) -> None:
        begin(self, *arguments, **named)
        set_state(self, "pending", 0)

    def start_pending(self: Any) -> Any:
        before = start(self)
        set_state(self, "pending", 0)
        return before

    def stop_in_order(self: Any) -> Any:
        before = stop(self)
        set_state(self, "stopping", 64)
        return before

    def terminate_in_order(self: Any) -> Any:
        if self.state == "terminated":
            return self._state
        before = terminate(self)
        set_state(self, "shutting-down", 32)
        return before

    Instance.__init__ = begin_pending
    Instance.start = start_pending
    Instance.stop = stop_in_order
    Instance.terminate = terminate_in_order
