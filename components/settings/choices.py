"""Settings that are one of a few words. Pure."""

from __future__ import annotations

from enum import StrEnum


class EtcdTopology(StrEnum):
    """Where etcd runs: on the control-plane machines, or on machines of its own."""

    STACKED = "stacked"
    EXTERNAL = "external"


class NatMode(StrEnum):
    """NAT gateways for private subnets. With NONE, machines live in public subnets with public addresses."""

    NONE = "none"
    SINGLE = "single"
    PER_ZONE = "perZone"


class NetworkPluginName(StrEnum):
    FLANNEL = "flannel"
    CALICO = "calico"


class TaintEffect(StrEnum):
    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"
