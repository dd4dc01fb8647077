"""Makes this machine the control plane that /etc/quorate describes: initializes the cluster or joins it, finishes what
an earlier run left half done, brings a new machine back to an old disk, or applies a changed configuration."""

from __future__ import annotations

from collections.abc import Sequence

from components.node.boot.etcd_volume import start_volume
from components.node.common.clock import check_clock
from components.node.common.failure import Failure
from components.node.common.files import install_text
from components.node.common.kubeadm import write_provider_id
from components.node.common.log import report
from components.node.common.machine_lock import machine_lock
from components.node.common.programs import run
from components.node.common.step import run_step, usage
from components.node.control_plane.apply import apply_configuration
from components.node.control_plane.cluster import Cluster
from components.node.control_plane.endpoint_name import name_endpoint
from components.node.control_plane.initialize import initialize
from components.node.control_plane.join import join
from components.node.control_plane.join_credentials import let_workers_in
from components.node.control_plane.provider_id import correct_provider_id, own_provider_id
from components.node.control_plane.state import (
    Entry,
    State,
    applied_version,
    check_disk,
    decide_entry,
    decide_state,
    must_leave_etcd,
    observe,
    refuse_upgrade,
)
from components.node.control_plane.this_machine import ThisMachine, read_this_machine
from components.node.control_plane.users import give_kubectl
from components.node.etcd.cluster_mark import is_marked, write_mark
from components.node.etcd.timers import set_timers
from components.node.restore.record import refuse_while_restoring

_STEP = "configure-control-plane"


def main(arguments: Sequence[str]) -> int:
    if arguments:
        return usage(f"usage: quorate-node {_STEP}")
    return run_step(_STEP, _work, within=machine_lock(_STEP, 1800))


def _work() -> None:
    refuse_while_restoring()
    machine = read_this_machine()
    configure(machine, Cluster(machine))


def configure(machine: ThisMachine, cluster: Cluster) -> None:
    """Can run at any time, again and again: what is done already stays as it is."""
    folders = machine.folders
    _check_delivery(machine)
    # Before any package is touched.
    refuse_upgrade(applied_version(folders), machine.kubernetes_version)
    _prepare(machine)
    check_disk(folders, machine.etcd_volume, machine.kubernetes_version)
    state = decide_state(observe(folders))
    report(f"this machine is {state}")
    check_clock()
    provider_id = own_provider_id()
    write_provider_id(provider_id, folders.patches)
    if state is State.RUNNING:
        cluster.check_alarms()
    if state is State.HALF_DONE:
        _clean_up(machine, cluster)
    if state is not State.RUNNING:
        _enter_the_cluster(machine, cluster)
    # With a load balancer, the name is what DNS says as soon as that serves, and workers are let in then: a step of its
    # own, as it takes minutes.
    if machine.endpoint_address:
        name_endpoint(machine.endpoint_address, machine.endpoint_name, folders.hosts)
    if state is State.RUNNING:
        apply_configuration(machine, cluster.turn)
    correct_provider_id(machine, provider_id)
    give_kubectl(machine)
    if machine.etcd_volume:
        set_timers(snapshots=machine.takes_snapshots)
    if machine.endpoint_address:
        let_workers_in(machine.join_parameter)
    if machine.etcd_volume:
        install_text(folders.version_mark, f"{machine.kubernetes_version}\n")
    install_text(folders.applied, folders.configuration.read_text(), 0o600)


def _check_delivery(machine: ThisMachine) -> None:
    for path in (machine.folders.configuration, machine.folders.etc / "pki" / "ca.key"):
        if not path.exists() or path.stat().st_size == 0:
            raise Failure(f"{path} is missing; run pulumi up, which delivers it")


def _prepare(machine: ThisMachine) -> None:
    machine.run_program("prepare-machine.sh")
    # With etcd on machines of its own there is no such disk.
    if machine.etcd_volume:
        start_volume()


def _clean_up(machine: ThisMachine, cluster: Cluster) -> None:
    report("an earlier run was cut off: cleaning up what it left")
    has_our_data = is_marked(machine.folders.etcd_disk)
    if must_leave_etcd(joins=machine.joins, etcd_volume=machine.etcd_volume, has_our_data=has_our_data):
        cluster.leave_etcd()
    reset = ["kubeadm", "reset", "--force", "--skip-phases", "remove-etcd-member"]
    try:
        # Without that phase, reset leaves etcd's data alone; the mark on the disk decides about it afterwards.
        run(reset, seconds=600)
    except Failure as failure:
        raise Failure(f"{' '.join(reset)} failed; run it by hand to see why: {failure}") from failure


def _enter_the_cluster(machine: ThisMachine, cluster: Cluster) -> None:
    folders = machine.folders
    has_our_data = is_marked(folders.etcd_disk)
    exists = not has_our_data and not machine.joins and _cluster_exists(machine, cluster)
    if decide_entry(has_our_data=has_our_data, joins=machine.joins, cluster_exists=exists) is Entry.INITIALIZE:
        initialize(machine)
    else:
        join(machine, cluster)
    if machine.etcd_volume:
        write_mark(folders.authority, folders.etcd_disk)


def _cluster_exists(machine: ThisMachine, cluster: Cluster) -> bool:
    """Whether an API server of this cluster answers, ready or not: then a second one must not be initialized.

    They are asked at their addresses: the name may have no record yet.
    """
    for host in machine.others:
        if cluster.api_exists(host):
            report(f"an API server of this cluster answers at {host}")
            return True
    return False
