"""What a stack may say about its machines: etcd, control plane, kubelet, worker pools. Pure; read through model.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.settings import formats
from components.settings.about import Change, about
from components.settings.choices import EtcdTopology, TaintEffect

# An instance refresh brings a tenth of a pool's workers before as many old ones go.
REFRESH_PERCENT = 110
_NOT_BUILT = "quorate can't do this on an existing cluster yet; make a new one"


@dataclass(frozen=True)
class EtcdSettings:
    """The cluster's store. Stacked: one member per control-plane machine. External: members on their own machines."""

    topology: EtcdTopology = field(
        default=EtcdTopology.STACKED,
        metadata=about(
            "Where etcd runs: on the control-plane machines, or on machines of its own.", Change.REFUSED, why=_NOT_BUILT
        ),
    )
    members: int = field(
        default=3,
        metadata=about(
            "Members of an external etcd: 3 or 5. New ones enter a living cluster one at a time, without a vote until "
            "they have caught up; then API servers restart in turn.",
            minimum=1,
            maximum=9,
            wanted="3 or 5 with external etcd, and leave it out with stacked etcd",
            grows_only=True,
        ),
    )
    instance_type: str = field(
        default="t3.medium",
        metadata=about(
            "Machine type of external members, 2 GiB or more; left out with stacked etcd.",
            Change.RESTARTS_MACHINE,
            syntax=formats.INSTANCE_TYPE,
        ),
    )
    volume_gib: int = field(
        default=20,
        metadata=about("Size of each member's own data volume in GiB.", minimum=8, maximum=16384, grows_only=True),
    )
    quota_mib: int = field(
        default=2048,
        metadata=about(
            "Size in MiB that a member's data may reach; then etcd takes only deletions. 2048 is etcd's default, 8192 "
            "the most that it suggests. The volume has room for three times as much and 2 GiB, and beyond the default "
            "the machine has 2 GiB of memory more than this. Members restart in turn.",
            minimum=64,
            maximum=8192,
            grows_only=True,
        ),
    )
    version: str = field(
        default="3.6.14",
        metadata=about(
            "Version of external members, 3.7 from Kubernetes 1.37 on; left out with stacked etcd.",
            syntax=formats.ETCD_VERSION,
        ),
    )
    sha256: str = field(
        default="",
        metadata=about(
            "SHA-256 of that version's linux-amd64 archive; empty means the one in the release's own SHA256SUMS. Left "
            "out with stacked etcd.",
            syntax=formats.SHA256,
        ),
    )
    protect_volumes: bool = field(
        default=False,
        metadata=about(
            "Refuses to delete the members' volumes and the cluster's authorities, `pulumi destroy` included."
        ),
    )
    heartbeat_interval_ms: int = field(
        default=100, metadata=about("How often the leader sends a heartbeat, in ms.", minimum=10, maximum=5000)
    )
    election_timeout_ms: int = field(
        default=1000,
        metadata=about(
            "Silence after which followers call an election, in ms: ten heartbeats.", minimum=100, maximum=50000
        ),
    )

    @property
    def quota_bytes(self) -> int:
        return self.quota_mib * 1024**2


@dataclass(frozen=True)
class ControlPlaneSettings:
    """The machines that run API server, scheduler and controller manager."""

    count: int = field(
        default=1,
        metadata=about(
            "How many: 1, 3 or 5. New ones join a living cluster one at a time where etcd is stacked.",
            minimum=1,
            maximum=9,
            wanted="1, 3 or 5",
            grows_only=True,
        ),
    )
    instance_type: str = field(
        default="t3.medium",
        metadata=about(
            "Machine type: 2 CPUs and 2 GiB or more.", Change.RESTARTS_MACHINE, syntax=formats.INSTANCE_TYPE
        ),
    )
    root_volume_gib: int = field(
        default=30,
        metadata=about(
            "Size of the root volume in GiB; the file system grows at the next boot.",
            minimum=20,
            maximum=16384,
            grows_only=True,
        ),
    )
    schedulable: bool = field(
        default=False, metadata=about("Leaves the control plane untainted, so that ordinary pods run there.")
    )
    api_server_arguments: Mapping[str, str] = field(
        default_factory=dict,
        metadata=about(
            "Extra arguments for kube-apiserver: of those that it knows, with values that it starts and serves with, "
            "without those that the program or kubeadm sets. Files: below /etc/quorate/api-server, and authorities.",
            maximum=50,
            syntax=formats.ARGUMENT_VALUE,
            key_syntax=formats.ARGUMENT_NAME,
        ),
    )


@dataclass(frozen=True)
class KubeletSettings:
    """Fields of KubeletConfiguration that a stack may set."""

    max_pods: int = field(
        default=110,
        metadata=about("Pods per node; Kubernetes is tested to 110.", Change.ROLLS_WORKERS, minimum=1, maximum=250),
    )
    container_log_max_size: str = field(
        default="10Mi",
        metadata=about(
            "Size at which a container's log is rotated.", Change.ROLLS_WORKERS, syntax=formats.BYTE_QUANTITY
        ),
    )
    image_gc_high_threshold_percent: int = field(
        default=85,
        metadata=about(
            "Disk usage, in percent, above which unused images are removed.",
            Change.ROLLS_WORKERS,
            minimum=81,
            maximum=100,
        ),
    )


@dataclass(frozen=True)
class Taint:
    """Keeps pods that don't tolerate it off a pool's nodes."""

    key: str = field(metadata=about("The taint's key.", Change.REPLACES_MACHINE, syntax=formats.TAINT_KEY))
    effect: TaintEffect = field(metadata=about("What happens to pods that don't tolerate it.", Change.REPLACES_MACHINE))
    value: str = field(
        default="", metadata=about("The taint's value.", Change.REPLACES_MACHINE, syntax=formats.LABEL_VALUE)
    )


@dataclass(frozen=True)
class WorkerPoolSettings:
    """A pool of interchangeable workers, kept by an Auto Scaling group."""

    name: str = field(
        metadata=about(
            "The pool's name, unique in the stack: renaming a pool replaces it with a new one.",
            Change.REPLACES_MACHINE,
            syntax=formats.POOL_NAME,
        )
    )
    instance_type: str = field(
        default="t3.large",
        metadata=about("Machine type, 1 GiB or more.", Change.REPLACES_MACHINE, syntax=formats.INSTANCE_TYPE),
    )
    minimum: int = field(
        default=1,
        metadata=about(
            "Minimum number of machines. Unless the control plane is schedulable, a pool without taints has 1 or more.",
            minimum=0,
            maximum=5000,
        ),
    )
    maximum: int = field(
        default=3,
        metadata=about(
            "Maximum number of machines. An autoscaler chooses between the two; without one, lower this for fewer.",
            minimum=1,
            maximum=5000,
        ),
    )
    root_volume_gib: int = field(
        default=30,
        metadata=about("Size of the root volume in GiB.", Change.REPLACES_MACHINE, minimum=20, maximum=16384),
    )
    labels: Mapping[str, str] = field(
        default_factory=dict,
        metadata=about(
            "Labels that its nodes register with; none under `quorate/`, nor with the mark ZONE_OF_THE_MACHINE.",
            Change.REPLACES_MACHINE,
            maximum=50,
            syntax=formats.LABEL_VALUE,
            key_syntax=formats.LABEL_KEY,
        ),
    )
    taints: tuple[Taint, ...] = field(
        default=(),
        metadata=about(
            "Taints that its nodes register with; none that the cluster's own controllers set.",
            Change.REPLACES_MACHINE,
            maximum=50,
        ),
    )
    zones: tuple[int, ...] = field(
        default=(),
        metadata=about(
            "The zones it spreads over, by number, 1 to `network.zones`; empty means all.",
            maximum=6,
            wanted="the zone's number, 1 to network.zones, such as 1 for the first",
        ),
    )
    spot: bool = field(
        default=False,
        metadata=about(
            "Spot machines: cheaper, and gone at two minutes' notice, which nobody reads: AWS's earlier "
            "recommendation drains one; without it, its pods get a minute.",
            Change.REPLACES_MACHINE,
        ),
    )
