"""What a control-plane machine knows about itself, and where its files are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from components.node.common import environment
from components.node.common.environment import read_environment
from components.node.common.failure import Failure
from components.node.common.kubeadm import DISCOVERY, PATCHES
from components.node.common.kubectl import Kubectl
from components.node.common.programs import run_reporting

# What releases before LOAD_BALANCER_NOTICES_SECONDS waited. It may go when no such node.env can be on a machine.
_NOTICES_SECONDS = 12.0


@dataclass(frozen=True)
class Folders:
    """Where files are, fixed on a machine."""

    etc: Path = environment.ETC
    kubernetes: Path = Path("/etc/kubernetes")
    kubelet: Path = Path("/var/lib/kubelet")
    etcd_disk: Path = Path("/var/lib/etcd")
    programs: Path = Path("/opt/quorate/bin")
    hosts: Path = Path("/etc/hosts")
    discovery: Path = DISCOVERY
    patches: Path = PATCHES
    # Made by prepare-machine.sh.
    shutdown_limit: Path = Path("/etc/systemd/logind.conf.d/unattended-upgrades-logind-maxdelay.conf")

    @property
    def configuration(self) -> Path:
        """kubeadm's documents, as delivered."""
        return self.etc / "kubeadm.yaml"

    @property
    def applied(self) -> Path:
        """kubeadm's documents, as they were when this machine was last configured to the end."""
        return self.etc / "applied-kubeadm.yaml"

    @property
    def operators_names(self) -> Path:
        """Names and addresses by which operators reach the API and which kubeadm's documents don't have, one a line."""
        return self.etc / "operators-names"

    @property
    def authority(self) -> Path:
        return self.etc / "pki" / "ca.crt"

    @property
    def manifests(self) -> Path:
        return self.kubernetes / "manifests"

    @property
    def etcd_data(self) -> Path:
        return self.etcd_disk / "data"

    @property
    def version_mark(self) -> Path:
        """On etcd's disk: the Kubernetes version that this machine was last configured for."""
        return self.etcd_disk / "kubernetes-version"


@dataclass(frozen=True)
class ThisMachine:
    """`endpoint_address` is empty where the endpoint's name leads to a load balancer, `etcd_volume` (its id) where etcd
    has machines of its own, `join_parameter` where there are no workers. `others` are the addresses of the other
    control planes. `target_groups` are those of the load balancers that this API server is behind;
    `balancer_notices_seconds` is how long they take to notice a change of its health, `api_server_stops_seconds` how
    long it may take to stop in order.
    """

    name: str
    address: str
    endpoint_name: str
    kubernetes_version: str
    endpoint_address: str = ""
    etcd_volume: str = ""
    joins: bool = False
    others: tuple[str, ...] = ()
    login_user: str = ""
    join_parameter: str = ""
    balancer_notices_seconds: float = 0
    target_groups: tuple[str, ...] = ()
    api_server_stops_seconds: float = 0
    takes_snapshots: bool = False
    folders: Folders = field(default_factory=Folders)

    @property
    def kubectl(self) -> Kubectl:
        """As the cluster's administrator, through the API endpoint."""
        return Kubectl(self.folders.kubernetes / "admin.conf")

    def run_program(self, name: str, *arguments: str) -> None:
        run_reporting([str(self.folders.programs / name), *arguments])


def read_this_machine() -> ThisMachine:
    """From node.env. Raises Failure for what it lacks."""
    required = ("MACHINE_NAME", "NODE_ADDRESS", "API_ENDPOINT_NAME", "KUBERNETES_VERSION", "LOGIN_USER")
    return this_machine(read_environment(*required))


def this_machine(values: Mapping[str, str]) -> ThisMachine:
    return ThisMachine(
        name=values["MACHINE_NAME"],
        address=values["NODE_ADDRESS"],
        endpoint_name=values["API_ENDPOINT_NAME"],
        kubernetes_version=values["KUBERNETES_VERSION"],
        endpoint_address=values.get("API_ENDPOINT_ADDRESS", ""),
        etcd_volume=values.get("ETCD_VOLUME_ID", ""),
        takes_snapshots=bool(values.get("SNAPSHOT_BUCKET")),
        joins=bool(values.get("JOINS")),
        others=tuple(values.get("CONTROL_PLANE_ADDRESSES", "").split()),
        login_user=values["LOGIN_USER"],
        join_parameter=values.get("JOIN_PARAMETER", ""),
        balancer_notices_seconds=_balancer_notices_seconds(values),
        target_groups=tuple(values.get("TARGET_GROUPS", "").split()),
        api_server_stops_seconds=_seconds("API_SERVER_STOPS_SECONDS", values.get("API_SERVER_STOPS_SECONDS", "")),
    )


def _balancer_notices_seconds(values: Mapping[str, str]) -> float:
    text = values.get("LOAD_BALANCER_NOTICES_SECONDS")
    # Without a load balancer, the endpoint is this machine.
    if values.get("API_ENDPOINT_ADDRESS"):
        return 0
    if text is None:
        return _NOTICES_SECONDS
    return _seconds("LOAD_BALANCER_NOTICES_SECONDS", text)


def _seconds(name: str, text: str) -> float:
    try:
        return float(text or 0)
    except ValueError:
        raise Failure(
            f"{environment.ETC / 'node.env'} sets {name} to '{text}', which is not a number; "
            "run pulumi up, which delivers the file"
        ) from None
