"""kubeadm join of a clean machine as a control plane, with the certificate authorities of this cluster."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.node.common.failure import Failure
from components.node.common.kubeadm import run_kubeadm, write_discovery
from components.node.common.kubectl import Kubectl
from components.node.common.log import report
from components.node.common.minted_certificate import minted_certificate
from components.node.common.programs import run
from components.node.common.units import wait_for_unit
from components.node.common.waiting import wait_until
from components.node.control_plane.cluster import Cluster
from components.node.control_plane.endpoint_name import name_endpoint
from components.node.control_plane.initialize import accepted_checks, make_etcd_data
from components.node.control_plane.this_machine import ThisMachine

_CLUSTER_SECONDS = 1200


def join(machine: ThisMachine, cluster: Cluster, seconds: float = _CLUSTER_SECONDS) -> None:
    """Returns when the API server of this machine is ready. The rest of the cluster may take `seconds` to answer."""
    folders = machine.folders
    machine.run_program("install-certificates.sh", "all")
    report("waiting for another control plane")
    wait_until(seconds, "the API at another control plane", lambda: find_the_cluster(machine, cluster))
    with _discovery(machine):
        # kubeadm refuses a name that a Ready node has; this machine is new, so that one is gone.
        wait_until(60, "the API to accept this machine", lambda: _delete_node(machine))
        # A member without data must go first, or etcd would start under an identity that others know with more data.
        if machine.etcd_volume:
            cluster.leave_etcd()
            shutil.rmtree(folders.etcd_data, ignore_errors=True)
            make_etcd_data(folders)
        report(f"kubeadm join, Kubernetes {machine.kubernetes_version}")
        checks = accepted_checks(folders)
        run_kubeadm("join", "--config", str(folders.etc / "join.yaml"), "--ignore-preflight-errors", checks)
    run(["systemctl", "enable", "--quiet", "kubelet"])
    own = machine.kubectl.at(machine.address)
    wait_for_unit("kubelet", 120, "the API server of this machine to be ready", own.api_is_ready)
    report("this machine has joined")


def find_the_cluster(machine: ThisMachine, cluster: Cluster) -> None:
    """Makes the endpoint's name lead to another control plane that is ready. Raises Failure where none is.

    They are asked at their addresses: the load balancer may still be in the making, which takes AWS minutes, and the
    name may have no record yet.
    """
    last = Failure("this machine knows no other control plane")
    for host in machine.others:
        try:
            cluster.api_answers(host)
        except Failure as failure:
            last = failure
            continue
        name_endpoint(host, machine.endpoint_name, machine.folders.hosts)
        return
    raise last


@contextmanager
def _discovery(machine: ThisMachine) -> Iterator[None]:
    """Credentials for the time of a join, signed by the authority that every control plane has."""
    # The group of bootstrap tokens may ask for a node's certificate; that of administrators may remove the old Node.
    groups = "/O=system:bootstrappers:kubeadm:default-node-token/O=kubeadm:cluster-admins"
    folders = machine.folders
    authority = folders.etc / "pki" / "ca"
    with minted_certificate(authority, f"{groups}/CN={machine.name}", folders.discovery.parent) as minted:
        assert minted.certificate
        assert minted.key
        user = {"client-certificate-data": _encoded(minted.certificate), "client-key-data": _encoded(minted.key)}
        try:
            write_discovery(user, machine.endpoint_name, folders.authority, folders.discovery)
            yield
        finally:
            folders.discovery.unlink(missing_ok=True)


def _delete_node(machine: ThisMachine) -> None:
    Kubectl(machine.folders.discovery).run("delete", "node", machine.name, "--ignore-not-found")


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
