"""What a stack may say: the settings as typed, frozen values.

One class per key group of a stack file (`quorate:cluster`, `quorate:network`, …). A stack file spells keys in
camelCase, the classes in snake_case. Values here have passed validate.py; nothing here reads configuration.
Beside its type each field says what it means, its limits, and what changing it does: docs/settings.md is made of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.settings import formats
from components.settings.about import Change, about
from components.settings.choices import EtcdTopology, NatMode, NetworkPluginName, TaintEffect
from components.settings.containers import ContainerSettings, RegistryMirrors
from components.settings.machines import (
    ControlPlaneSettings,
    EtcdSettings,
    KubeletSettings,
    Taint,
    WorkerPoolSettings,
)
from components.settings.plugin_versions import CALICO_VERSIONS, FLANNEL_CNI_PLUGINS, any_of
from components.settings.services import AddonSettings, ApiEndpointSettings

_OTHER_PLUGINS = {
    "weave": "Weave Net is archived and gets no fixes.",
    "weave-net": "Weave Net is archived and gets no fixes.",
    "canal": "Calico has both of what Canal combines.",
    "cilium": "quorate doesn't install Cilium, which takes kube-proxy's place and brings an operator of its own.",
    "none": "Without a network plugin no node becomes Ready.",
}
_RANGE_MOVES = "every address in use comes from it; make a new cluster"

__all__ = [
    "AccessSettings",
    "AddonSettings",
    "ApiEndpointSettings",
    "BackupSettings",
    "ClusterSettings",
    "ContainerSettings",
    "ControlPlaneSettings",
    "EtcdSettings",
    "EtcdTopology",
    "KubeletSettings",
    "NatMode",
    "NetworkPluginName",
    "NetworkPluginSettings",
    "NetworkSettings",
    "RegistryMirrors",
    "Settings",
    "Taint",
    "TaintEffect",
    "WorkerPoolSettings",
]


@dataclass(frozen=True)
class ClusterSettings:
    """What the cluster is called, and its versions. The API endpoint is named in `<name>.<domain>`."""

    name: str = field(
        metadata=about(
            "The cluster's name, part of every name in AWS and of its DNS zone. With a load balancer it is not "
            "`internal` and doesn't begin with `internal-`.",
            Change.REFUSED,
            syntax=formats.CLUSTER_NAME,
            why="every resource and certificate carries it; make a new cluster",
        )
    )
    kubernetes_version: str = field(
        default="1.36.4",
        metadata=about(
            "Version of kubelet, kubeadm, kubectl and the control plane.",
            Change.REFUSED,
            syntax=formats.KUBERNETES_VERSION,
            why="upgrades aren't built yet; make a new cluster",
        ),
    )
    containerd_version: str = field(
        default="2.3.7",
        metadata=about("Version of containerd.", Change.ROLLS_WORKERS, syntax=formats.CONTAINERD_VERSION),
    )
    domain: str = field(
        default="quorate.internal",
        metadata=about(
            "The private DNS domain under which the cluster's own zone is made: `internal`, or one with a dot. The "
            "zone must not hide a host that machines fetch from.",
            Change.REFUSED,
            syntax=formats.DOMAIN,
            why="certificates and every kubeconfig name it; make a new cluster",
        ),
    )


@dataclass(frozen=True)
class NetworkSettings:
    """Addresses. The subnets are derived from `vpcCidr`, in a way that lets zones be added later."""

    vpc_cidr: str = field(
        default="10.20.0.0/16",
        metadata=about(
            "The VPC's private range, /16 to /22, cut into sixteen subnets. Each must have room for a zone's workers, "
            "a tenth more while they are replaced, and an address for each load balancer and interface endpoint.",
            Change.REFUSED,
            syntax=formats.NETWORK,
            why=_RANGE_MOVES,
        ),
    )
    zones: int = field(
        default=1,
        metadata=about(
            "How many availability zones to use. More are refused on an existing cluster where a control plane or an "
            "etcd machine would then have to move to another one.",
            minimum=1,
            maximum=6,
            wanted="how many zones to use, 1 to 6; network.zoneNames says which, if it matters",
            grows_only=True,
        ),
    )
    zone_names: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "Which availability zones to use, in order, as many as `zones`. Empty: the first of the region that have "
            "all machine types. Either way a cluster keeps those that it has, whatever AWS lists later.",
            Change.ADDED_TO,
            maximum=6,
            syntax=formats.ZONE,
            why="subnets and disks are in their zones, and can't move",
        ),
    )
    nat: NatMode = field(
        default=NatMode.NONE,
        metadata=about(
            "NAT gateways for private subnets; with none, machines have public addresses.",
            Change.REFUSED,
            why="machines would have to move to other subnets; make a new cluster",
        ),
    )
    pod_cidr: str = field(
        default="10.244.0.0/16",
        metadata=about(
            "Pods' addresses, /8 to /24. With Flannel each node takes a /24 of it; with Calico it takes a /26, and "
            "another whenever 64 pods have filled those that it has.",
            Change.REFUSED,
            syntax=formats.NETWORK,
            why=_RANGE_MOVES,
        ),
    )
    service_cidr: str = field(
        default="10.96.0.0/16",
        metadata=about(
            "Services' addresses, /12 to /24. The tenth is the cluster's DNS.",
            Change.REFUSED,
            syntax=formats.NETWORK,
            why=_RANGE_MOVES,
        ),
    )
    interface_endpoints: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "AWS services that private subnets reach without NAT, each by an endpoint that costs by the hour, such as "
            "ssm; S3 is always reached so, and costs nothing. AWS must have such an endpoint in the region.",
            maximum=20,
            syntax=formats.AWS_SERVICE,
        ),
    )


@dataclass(frozen=True)
class AccessSettings:
    """Who may reach the cluster from outside."""

    ssh_cidrs: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "Networks that may reach port 22: name at least that of the host which runs pulumi. None within the "
            "ranges of pods or Services, and together no more than a /8 of public addresses.",
            minimum=1,
            maximum=50,
            syntax=formats.NETWORK,
        ),
    )
    api_cidrs: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "Networks that may reach port 6443: name at least that of the host which runs pulumi. None within the "
            "ranges of pods or Services. No security group may get more than 60 rules of both lists.",
            minimum=1,
            maximum=50,
            syntax=formats.NETWORK,
        ),
    )
    bastion: bool = field(default=False, metadata=about("A small machine to reach those in private subnets through."))


@dataclass(frozen=True)
class NetworkPluginSettings:
    """How pods on different machines reach each other."""

    name: NetworkPluginName = field(
        default=NetworkPluginName.FLANNEL,
        metadata=about(
            "Flannel (VXLAN, no NetworkPolicy) or Calico (VXLAN, NetworkPolicy).",
            Change.REFUSED,
            not_offered=_OTHER_PLUGINS,
            why="pods of two plugins can't reach each other while nodes change over; make a new cluster",
        ),
    )
    version: str = field(
        default="0.28.4",
        metadata=about(
            f"The plugin's version: {any_of(tuple(FLANNEL_CNI_PLUGINS))} of Flannel, "
            f"{any_of(CALICO_VERSIONS)} of Calico.",
            Change.ROLLS_WORKERS,
            syntax=formats.PLUGIN_VERSION,
        ),
    )


@dataclass(frozen=True)
class BackupSettings:
    """Snapshots of etcd to a bucket, each restored once before it counts."""

    enabled: bool = field(
        default=False, metadata=about("Whether snapshots are taken. Turned off, it leaves what was taken where it is.")
    )
    interval_hours: int = field(default=6, metadata=about("Hours between snapshots.", minimum=1, maximum=168))
    keep_all_days: int = field(
        default=2, metadata=about("Days for which every snapshot is kept.", minimum=1, maximum=3650)
    )
    retention_days: int = field(
        default=30,
        metadata=about("Days for which the first snapshot of each day is kept.", minimum=1, maximum=3650),
    )
    keep_monthly_months: int = field(
        default=12,
        metadata=about(
            "Months for which the first snapshot of each month is kept; 0: no longer than those of each day.",
            minimum=0,
            maximum=120,
        ),
    )
    keep_on_destroy: bool = field(
        default=True,
        metadata=about(
            "Whether the bucket and its key outlive `pulumi destroy`. If not, it ends with an error while there are "
            "snapshots in the bucket."
        ),
    )


@dataclass(frozen=True)
class Settings:
    """Everything that a stack says, checked and complete."""

    cluster: ClusterSettings = field(metadata=about("Name and versions of the cluster."))
    network: NetworkSettings = field(metadata=about("Address ranges, zones, NAT."))
    access: AccessSettings = field(metadata=about("Who may reach the cluster from outside."))
    api_endpoint: ApiEndpointSettings = field(metadata=about("How the API servers are reached."))
    etcd: EtcdSettings = field(metadata=about("Where the store runs, and on what."))
    control_plane: ControlPlaneSettings = field(metadata=about("The machines of the control plane."))
    kubelet: KubeletSettings = field(metadata=about("What kubelet does on each node."))
    containers: ContainerSettings = field(metadata=about("Where images of containers come from."))
    workers: tuple[WorkerPoolSettings, ...] = field(metadata=about("Pools of workers.", maximum=100))
    network_plugin: NetworkPluginSettings = field(metadata=about("The pod network."))
    addons: AddonSettings = field(metadata=about("What else is installed in the cluster."))
    backups: BackupSettings = field(metadata=about("Snapshots of etcd."))
    tags: Mapping[str, str] = field(
        metadata=about(
            "Tags of every resource.",
            maximum=40,
            syntax=formats.TAG_VALUE,
            key_syntax=formats.TAG_KEY,
        )
    )

    @property
    def highly_available(self) -> bool:
        """Whether the cluster is to survive a lost machine."""
        return self.control_plane.count > 1 or self.etcd.topology is EtcdTopology.EXTERNAL
