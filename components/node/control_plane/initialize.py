"""kubeadm init on a clean machine, with the certificate authorities of this cluster: for a new cluster, or for a new
machine on the disk of an old one."""

from __future__ import annotations

import shutil

from components.node.common.kubeadm import ignored_checks, run_kubeadm
from components.node.common.log import report
from components.node.common.programs import run
from components.node.common.units import wait_for_unit
from components.node.control_plane.endpoint_name import name_endpoint
from components.node.control_plane.this_machine import Folders, ThisMachine
from components.node.etcd.cluster_mark import is_marked


def initialize(machine: ThisMachine) -> None:
    """Returns when the API is ready."""
    folders = machine.folders
    options = ["--config", str(folders.configuration)]
    if is_marked(folders.etcd_disk):
        report("the disk holds this cluster's data: this machine takes its place again")
        # Cluster DNS is there and may have been tuned since.
        options += ["--skip-phases", "show-join-command,addon/coredns"]
    elif folders.etcd_data.is_dir():
        report("the disk holds data of an initialization that never completed: removing it")
        shutil.rmtree(folders.etcd_data)
    if machine.etcd_volume:
        make_etcd_data(folders)
    # kubeadm reaches its own API server by the endpoint's name, before anything else serves there.
    name_endpoint(machine.address, machine.endpoint_name, folders.hosts)
    machine.run_program("install-certificates.sh", "all")
    report(f"kubeadm init, Kubernetes {machine.kubernetes_version}")
    run_kubeadm("init", *options, "--ignore-preflight-errors", accepted_checks(folders))
    run(["systemctl", "enable", "--quiet", "kubelet"])
    wait_for_unit("kubelet", 120, "the API server to be ready", machine.kubectl.api_is_ready)
    report("the control plane is up")


def make_etcd_data(folders: Folders) -> None:
    folders.etcd_data.mkdir(parents=True, exist_ok=True)
    folders.etcd_data.chmod(0o700)


def accepted_checks(folders: Folders) -> str:
    """Checks of kubeadm's to ignore: etcd's folder is there by now, and a member that is down keeps nobody out."""
    return ignored_checks(f"DirAvailable-{str(folders.etcd_data).replace('/', '-')}", "ExternalEtcdVersion")
