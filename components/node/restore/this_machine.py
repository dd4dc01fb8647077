"""The machine that a restore runs on: what it has of the cluster, and how what runs there stops and starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from components.node.common import environment, log
from components.node.common.environment import read_environment
from components.node.common.files import install_text
from components.node.common.kubectl import ADMIN_CONF, Kubectl
from components.node.common.machine_lock import machine_lock
from components.node.common.programs import run
from components.node.common.units import wait_for_unit
from components.node.etcd.all_members import members
from components.node.etcd.client import EtcdClient
from components.node.etcd.cluster_mark import DISK, write_mark
from components.node.etcd.member_remedies import REMEDIES, STACKED_REMEDIES
from components.node.etcd.snapshot.programs import Programs, programs_of_image
from components.node.etcd.snapshot.take import STEP as TAKE_SNAPSHOT
from components.node.etcd.this_member import PKI
from components.node.restore.data import RestoredData
from components.node.restore.nodes import KEPT
from components.node.restore.pods import API_SERVER, CONTROLLERS, MEMBER, StoppedPods
from components.node.restore.record import RECORD

_KUBERNETES_PKI = Path("/etc/kubernetes/pki")
_SERVE_SECONDS = 600
_START_SECONDS = 300
_PROGRAMS_SECONDS = 600


@dataclass(frozen=True)
class Machine:
    """`client` asks the member of this machine alone; None where it holds none. `etcd_pki` is None on a control plane
    whose etcd has machines of its own.
    """

    name: str
    address: str
    cluster: str
    role: str
    values: Mapping[str, str]
    client: EtcdClient | None
    etcd_pki: Path | None = None
    kubernetes_pki: Path = _KUBERNETES_PKI
    etc: Path = environment.ETC
    disk: Path = DISK
    record: Path = RECORD
    kept_nodes: Path = KEPT
    pods: StoppedPods = field(default_factory=StoppedPods)
    admin_conf: Path = ADMIN_CONF

    @property
    def is_control_plane(self) -> bool:
        return self.role == "control-plane"

    @property
    def holds_member(self) -> bool:
        return self.client is not None

    @property
    def is_stacked(self) -> bool:
        return self.is_control_plane and self.holds_member

    @property
    def api_server(self) -> Kubectl:
        """The API server of this machine."""
        return Kubectl(self.admin_conf).at(self.address)

    def data(self, restore: str) -> RestoredData:
        return RestoredData(restore, "" if self.is_stacked else "etcd:etcd", self.disk)

    @contextmanager
    def programs(self) -> Iterator[Programs]:
        """etcd's own, in the version of the member here."""
        if not self.is_stacked:
            yield Programs()
            return
        # Snapshots mount the image at the same place.
        with machine_lock(TAKE_SNAPSHOT, _PROGRAMS_SECONDS), programs_of_image(self.pods.manifest(MEMBER)) as programs:
            yield programs

    def stop_api(self) -> None:
        """API server, controller manager and scheduler."""
        self.pods.stop((API_SERVER, *CONTROLLERS))

    def start_api_server(self) -> None:
        """Returns when it is ready."""
        self.pods.start((API_SERVER,))
        what = "the API server of this machine to be ready"
        wait_for_unit("kubelet", _START_SECONDS, what, self.api_server.api_is_ready)

    def start_controllers(self) -> None:
        """Controller manager and scheduler; the kubelet starts again, which registers its Node where that is gone."""
        self.pods.start(CONTROLLERS)
        run(["systemctl", "restart", "kubelet"])

    def stop_member(self) -> None:
        log.report("stopping etcd")
        if self.is_stacked:
            self.pods.stop((MEMBER,))
            return
        # Not at boot either: it would begin an empty cluster where its data is just being exchanged.
        run(["systemctl", "disable", "--quiet", "etcd"])
        run(["systemctl", "stop", "etcd"], seconds=120)

    def start_member(self) -> None:
        """Returns at once: it serves when a majority has started."""
        assert self.etcd_pki
        write_mark(self.etcd_pki / "ca.crt" if not self.is_stacked else self.etc / "pki" / "ca.crt", self.disk)
        if self.is_stacked:
            self.pods.start((MEMBER,))
            return
        # For the case that its disk is lost one day: what it says counts only without data.
        install_text(self.etc / "etcd-membership.env", "ETCD_INITIAL_CLUSTER_STATE=existing\n")
        run(["systemctl", "enable", "--quiet", "etcd"])
        log.report("starting etcd")
        run(["systemctl", "start", "--no-block", "etcd"])

    def wait_for_member(self) -> None:
        """Until it serves. Raises Failure."""
        client = self.client
        assert client
        (own,) = client.endpoints
        unit, remedies = ("kubelet", STACKED_REMEDIES) if self.is_stacked else ("etcd", REMEDIES)
        what = f"etcd to have a quorum and to serve at {self.address}"
        wait_for_unit(unit, _SERVE_SECONDS, what, lambda: client.check_health(own), remedies=remedies)


def this_machine() -> Machine:
    """From node.env. Raises Failure for what it lacks."""
    values = read_environment("ROLE", "CLUSTER_NAME", "MACHINE_NAME", "NODE_ADDRESS")
    role = values["ROLE"]
    holds_member = bool(values.get("ETCD_VOLUME_ID"))
    client = None
    if holds_member:
        every = members().client
        client = every.at(every.endpoints[0])
    pki = PKI if role == "etcd" else _KUBERNETES_PKI / "etcd"
    return Machine(
        name=values["MACHINE_NAME"],
        address=values["NODE_ADDRESS"],
        cluster=values["CLUSTER_NAME"],
        role=role,
        values=values,
        client=client,
        etcd_pki=pki if holds_member else None,
    )
