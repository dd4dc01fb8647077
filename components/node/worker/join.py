"""Makes this machine a worker: prepares it, fetches the short-lived credentials that control planes renew, joins.

Started at every boot; once the machine has joined, it does nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.node.common import environment, kubeadm, log
from components.node.common.aws import get_parameter, metadata
from components.node.common.failure import Failure
from components.node.common.files import install_text
from components.node.common.machine_lock import machine_lock
from components.node.common.programs import run, stream, succeeds
from components.node.common.step import run_step
from components.node.common.waiting import NotYet, wait_until

ZONE_MARK = "ZONE_OF_THE_MACHINE"
_ZONE = re.compile(r"[a-z0-9-]+")
_LOCK_SECONDS = 1200
_VALUES = ("POOL_NAME", "API_ENDPOINT_NAME", "JOIN_PARAMETER", "KUBERNETES_VERSION")


@dataclass(frozen=True)
class Worker:
    """A machine's values of node.env, where its files are, and how long the cluster may take."""

    values: Mapping[str, str]
    etc: Path
    prepare: str = "/opt/quorate/bin/prepare-machine.sh"
    kubelet_conf: Path = Path("/etc/kubernetes/kubelet.conf")
    kubelet_config: Path = Path("/var/lib/kubelet/config.yaml")
    discovery: Path = kubeadm.DISCOVERY
    patches: Path = kubeadm.PATCHES
    metadata_seconds: float = 120
    cluster_seconds: float = 1200

    @property
    def mark(self) -> Path:
        return self.etc / "joined"

    @property
    def authority(self) -> Path:
        return self.etc / "pki" / "ca.crt"


def bootstrap_token(value: str, parameter: str) -> str:
    """Raises NotYet for a parameter that holds something else."""
    if not kubeadm.TOKEN.fullmatch(value.strip()):
        raise NotYet(f"parameter {parameter} holds no credentials yet: no control plane has written any")
    return value.strip()


def documented_join(document: str, zone: str) -> str:
    """What kubeadm joins with: the pool's document, with the zone of this machine."""
    if not _ZONE.fullmatch(zone):
        raise Failure(f"the instance's metadata names no zone but: {zone[:80]}")
    return document.replace(ZONE_MARK, zone)


def join(worker: Worker, api_port: int = kubeadm.API_PORT) -> None:
    """Returns when the machine is a node. Raises Failure."""
    # Another run may have had the lock, and done it.
    if worker.mark.exists():
        return
    # Until it has joined, it tries again at every boot.
    run(["systemctl", "enable", "--quiet", "quorate-join.service"])
    what = "the instance's id from its metadata"
    instance = wait_until(worker.metadata_seconds, what, lambda: metadata("meta-data/instance-id")).strip()
    name = f"{worker.values['POOL_NAME']}-{instance}"
    if stream([worker.prepare]) != 0:
        raise Failure("preparing the machine failed; its messages are above")
    endpoint = worker.values["API_ENDPOINT_NAME"]
    log.report(f"node {name} waits for the cluster at {endpoint}")
    # Its name has a record when there are credentials. Who asks sooner hears for minutes that there is none.
    _token(worker)
    wait_until(
        worker.cluster_seconds,
        f"the API at {endpoint}",
        lambda: kubeadm.api_answers(worker.authority, endpoint, api_port),
    )
    if not _has_joined_before(worker, name):
        _run_kubeadm_join(worker, name, instance)
    run(["systemctl", "enable", "--quiet", "kubelet"])
    install_text(worker.mark, f"{name}\n")
    log.report(f"node {name} has joined")


def _has_joined_before(worker: Worker, name: str) -> bool:
    """An earlier run may have been cut off after the node was accepted, or before: then what it left is removed."""
    accepted = worker.kubelet_conf.exists()
    if not accepted and not worker.kubelet_config.exists():
        return False
    get_node = ["kubectl", "--kubeconfig", str(worker.kubelet_conf), "--request-timeout=10s", "get", "node", name]
    if accepted and succeeds(["systemctl", "is-active", "--quiet", "kubelet"]) and succeeds(get_node):
        return True
    log.report("an earlier join was cut off: removing what it left")
    run(["kubeadm", "reset", "--force"], seconds=300)
    return False


def _token(worker: Worker) -> str:
    parameter = worker.values["JOIN_PARAMETER"]
    return wait_until(
        worker.cluster_seconds,
        "credentials to join with",
        lambda: bootstrap_token(get_parameter(parameter), parameter),
    )


def _run_kubeadm_join(worker: Worker, name: str, instance: str) -> None:
    try:
        endpoint = worker.values["API_ENDPOINT_NAME"]
        kubeadm.write_discovery({"token": _token(worker)}, endpoint, worker.authority, worker.discovery)
        document = worker.etc / "join-here.yaml"
        zone = metadata("meta-data/placement/availability-zone").strip()
        install_text(document, documented_join((worker.etc / "join.yaml").read_text(), zone))
        kubeadm.write_provider_id(f"aws:///{zone}/{instance}", worker.patches)
        log.report(f"kubeadm join, Kubernetes {worker.values['KUBERNETES_VERSION']}")
        ignored = ["--ignore-preflight-errors", kubeadm.ignored_checks()]
        kubeadm.run_kubeadm("join", "--config", str(document), "--node-name", name, *ignored)
    finally:
        worker.discovery.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> int:
    if (environment.ETC / "joined").exists():
        return 0
    return run_step(
        "join-worker",
        lambda: join(Worker(environment.read_environment(*_VALUES), environment.ETC)),
        within=machine_lock("join-worker", _LOCK_SECONDS),
    )
