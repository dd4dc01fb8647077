"""A control-plane machine in a folder, with stand-ins for its programs and for the rest of its cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from components.node.common import environment, log
from components.node.common.failure import Failure
from components.node.control_plane.cluster import Cluster, Held
from components.node.control_plane.this_machine import Folders, ThisMachine
from components.node.etcd.client import Alarm
from tests.components.node.stand_ins import StandIns, stand_ins
from tests.components.node.tls import copy_authority

DOCUMENTS = """\
---
kind: InitConfiguration
nodeRegistration:
  name: control-plane-0
---
kind: ClusterConfiguration
kubernetesVersion: v1.36.4
apiServer:
  certSANs:
  - api.test
  - 127.0.0.1
---
kind: KubeletConfiguration
maxPods: 110
---
kind: KubeProxyConfiguration
mode: nftables
"""
PROVIDER_ID = "aws:///eu-central-1b/i-0abc"
# What kubectl answers about the Node of the machine.
KNOWN_NODE = (
    "get node control-plane-0",
    0,
    json.dumps({"metadata": {"name": "control-plane-0"}, "spec": {"providerID": PROVIDER_ID}}),
)
PROGRAMS = ("kubeadm", "kubectl", "systemctl", "journalctl", "crictl")


@dataclass
class HeldTurn:
    """`lost` is what its check fails with."""

    lost: str = ""
    checks: int = 0

    def check(self) -> None:
        self.checks += 1
        if self.lost:
            raise Failure(self.lost)


@dataclass(frozen=True)
class OtherMachines(Cluster):
    """`existing` and `ready` are the hosts at which an API server answers, `asked` those that were asked, `alarm` is
    one that etcd has raised. What else is asked of it goes to `events`.
    """

    existing: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    held: HeldTurn = field(default_factory=HeldTurn)
    alarm: str = ""

    def api_exists(self, host: str) -> bool:
        self.asked.append(host)
        return host in self.existing

    def api_answers(self, host: str) -> None:
        self.asked.append(host)
        if host not in self.ready:
            raise Failure(f"{host} does not answer")

    def check_alarms(self) -> None:
        if self.alarm:
            raise Alarm("https://10.0.0.1:2379/health", self.alarm)

    def leave_etcd(self) -> None:
        self.events.append("left etcd")
        with (Path(self.machine.folders.etc).parent / "programs" / "calls").open("a") as calls:
            calls.write("leave etcd\n")

    @contextmanager
    def turn(self) -> Iterator[Held]:
        self.events.append("turn")
        try:
            yield self.held
        finally:
            self.events.append("end of turn")


@dataclass(frozen=True)
class Prepared:
    machine: ThisMachine
    programs: StandIns


def prepared(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    volume: str = "vol-1",
    joins: bool = False,
    endpoint_address: str = "",
    others: tuple[str, ...] = (),
    join_parameter: str = "",
) -> Prepared:
    """A new machine that all files were delivered to."""
    monkeypatch.setattr(log, "LOGS", folder / "logs")
    monkeypatch.setattr(environment, "ETC", folder / "etc")
    folders = Folders(
        folder / "etc", folder / "kubernetes", folder / "kubelet", folder / "disk", folder / "bin", folder / "hosts",
        folder / "run" / "discovery.conf", folder / "patches", folder / "shutdown-limit.conf",
    )  # fmt: skip
    for path in (folders.etc / "pki", folders.manifests, folders.kubelet, folders.etcd_disk):
        path.mkdir(parents=True)
    copy_authority(folders.etc / "pki")
    folders.configuration.write_text(DOCUMENTS)
    folders.hosts.write_text("127.0.0.1 localhost\n")
    programs = stand_ins(folder / "programs", monkeypatch)
    for name in PROGRAMS:
        programs.program(name)
    programs.program("kubectl", KNOWN_NODE)
    own = StandIns(folders.programs)
    for name in ("prepare-machine.sh", "install-certificates.sh", "quorate-node"):
        own.program(name)
    machine = ThisMachine(
        "control-plane-0", "10.0.0.1", "api.test", "1.36.4", endpoint_address, volume, joins, others, "root",
        join_parameter, folders=folders,
    )  # fmt: skip
    return Prepared(machine, programs)


def is_running(node: Prepared, documents: str = DOCUMENTS) -> None:
    """The machine was configured with `documents` before."""
    folders = node.machine.folders
    folders.applied.write_text(documents)
    (folders.kubernetes / "admin.conf").write_text("an administrator")
    (folders.kubelet / "config.yaml").touch()
