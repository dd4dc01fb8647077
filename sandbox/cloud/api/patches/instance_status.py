"""Fault: status checks pass whatever has become of the machine."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.instances import Instance

_FAILED = {"Details": [{"Name": "reachability", "Status": "failed"}], "Status": "impaired"}


def apply(region: str) -> None:
    for name in ("system_status", "instance_status"):
        setattr(Instance, name, _with_impairment(getattr(Instance, name)))


def _with_impairment(status: Any) -> property:
    def status_of(self: Any) -> dict[str, Any]:
        found: dict[str, Any] = status.fget(self)
        return dict(_FAILED) if self.state == "running" and getattr(self, "impaired", False) else found

    return property(status_of)
