"""Stacks of every shape, for tests of what is said about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from components.settings.model import Settings
from components.settings.validate import parse
from operations.stack_files import Stack

EDUCATION: Final[dict[str, Any]] = {
    "cluster": {"name": "education"},
    "access": {"sshCidrs": ["203.0.113.0/24"], "apiCidrs": ["203.0.113.0/24"]},
    "controlPlane": {"schedulable": True},
}
DEV: Final[dict[str, Any]] = {
    "cluster": {"name": "dev"},
    "access": {"sshCidrs": ["203.0.113.0/24"], "apiCidrs": ["203.0.113.0/24"]},
    "workers": [{"name": "general", "instanceType": "t3.medium", "minimum": 2, "maximum": 4}],
}
PROD: Final[dict[str, Any]] = {
    "cluster": {"name": "prod"},
    "network": {"zones": 3, "nat": "perZone"},
    "access": {"sshCidrs": ["203.0.113.0/24"], "apiCidrs": ["203.0.113.0/24"]},
    "etcd": {"topology": "external", "members": 3, "instanceType": "m7i.large"},
    "controlPlane": {"count": 3, "instanceType": "m7i.xlarge"},
    "workers": [{"name": "general", "instanceType": "m7i.large", "minimum": 3, "maximum": 9}],
    "networkPlugin": {"name": "calico", "version": "3.32.1"},
}
STACKED: Final[dict[str, Any]] = {
    **PROD,
    "cluster": {"name": "stacked"},
    "etcd": {"topology": "stacked"},
}


def settings(groups: dict[str, Any], **changes: dict[str, Any]) -> Settings:
    """Checked settings of a stack's groups, with keys of groups replaced: `network={"zones": 1}`."""
    merged = {**groups, **{name: {**groups.get(name, {}), **keys} for name, keys in changes.items()}}
    return parse(merged)


def with_bastion(chosen: Settings) -> Settings:
    return replace(chosen, access=replace(chosen.access, bastion=True))


def stack(groups: dict[str, Any], region: str = "eu-central-1") -> Stack:
    return Stack(groups["cluster"]["name"], region, parse(groups))
