"""What a stack may say: the settings as typed, frozen values.

One class per key group of a stack file (`quorate:cluster`, `quorate:network`, …). A stack file spells keys in
camelCase, the classes in snake_case. Values here have passed validate.py; nothing here reads configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class ClusterSettings:
    """`name` is a DNS label; the private zone of the API endpoint is `<name>.<domain>`."""

    name: str
    kubernetes_version: str = "1.36.4"
    containerd_version: str = "2.3.7"
    domain: str = "quorate.internal"


@dataclass(frozen=True)
class NetworkSettings:
    """Addresses. `zones` counts availability zones; the subnets are derived from `vpc_cidr`."""

    vpc_cidr: str = "10.20.0.0/16"
    zones: int = 1
    nat: NatMode = NatMode.NONE
    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/16"


@dataclass(frozen=True)
class AccessSettings:
    """Who may reach the cluster from outside: `ssh_cidrs` port 22, `api_cidrs` port 6443."""

    ssh_cidrs: tuple[str, ...] = ()
    api_cidrs: tuple[str, ...] = ()
    bastion: bool = False


@dataclass(frozen=True)
class EtcdSettings:
    """`members` counts only for the external topology; stacked has one per control-plane machine.

    `volume_gib` is the size of each member's own data volume.
    """

    topology: EtcdTopology = EtcdTopology.STACKED
    members: int = 3
    instance_type: str = "t3.medium"
    volume_gib: int = 20
    heartbeat_interval_ms: int = 100
    election_timeout_ms: int = 1000


@dataclass(frozen=True)
class ControlPlaneSettings:
    """`schedulable` leaves the control plane untainted, so that ordinary pods run there."""

    count: int = 1
    instance_type: str = "t3.medium"
    root_volume_gib: int = 30
    schedulable: bool = False
    api_server_arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class KubeletSettings:
    """Fields of KubeletConfiguration that a stack may set."""

    max_pods: int = 110
    container_log_max_size: str = "10Mi"
    image_gc_high_threshold_percent: int = 85


@dataclass(frozen=True)
class Taint:
    key: str
    effect: TaintEffect
    value: str = ""


@dataclass(frozen=True)
class WorkerPoolSettings:
    """A pool of interchangeable workers. `zones` empty means all zones of the network."""

    name: str
    instance_type: str = "t3.large"
    minimum: int = 1
    maximum: int = 3
    root_volume_gib: int = 30
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    zones: tuple[int, ...] = ()
    spot: bool = False


@dataclass(frozen=True)
class NetworkPluginSettings:
    name: NetworkPluginName = NetworkPluginName.FLANNEL
    version: str = "0.28.4"


@dataclass(frozen=True)
class BackupSettings:
    """Snapshots of etcd to a bucket."""

    enabled: bool = False
    interval_hours: int = 6
    retention_days: int = 30


@dataclass(frozen=True)
class Settings:
    """Everything that a stack says, checked and complete."""

    cluster: ClusterSettings
    network: NetworkSettings
    access: AccessSettings
    etcd: EtcdSettings
    control_plane: ControlPlaneSettings
    kubelet: KubeletSettings
    workers: tuple[WorkerPoolSettings, ...]
    network_plugin: NetworkPluginSettings
    backups: BackupSettings
    tags: Mapping[str, str]
