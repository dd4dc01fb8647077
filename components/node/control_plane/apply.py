"""Brings a running control plane to the delivered documents, in place: the cluster's stored configuration, the static
pods, the kubelet's configuration, kube-proxy, the taint."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from components.node.common import https, log
from components.node.common.failure import Failure
from components.node.common.files import content_of
from components.node.common.log import report
from components.node.common.programs import run
from components.node.common.units import is_older_than, wait_for_unit
from components.node.control_plane.api_certificate import renew_api_certificate
from components.node.control_plane.cluster import Held
from components.node.control_plane.documents import (
    certificate_names,
    changed,
    changed_lines,
    read_documents,
    runs_ordinary_pods,
)
from components.node.control_plane.phases import run_phase
from components.node.control_plane.static_pods import START_SECONDS, StaticPods
from components.node.control_plane.this_machine import ThisMachine
from components.ports import KUBELET_HEALTH

_TAINT = "node-role.kubernetes.io/control-plane:NoSchedule"
_KUBELET_HEALTHZ = f"http://127.0.0.1:{KUBELET_HEALTH}/healthz"


def apply_configuration(
    machine: ThisMachine, turn: Callable[[], AbstractContextManager[Held]], start_seconds: float = START_SECONDS
) -> None:
    """Applies what differs between the delivered documents and those of the last configuration, while it has the turn.

    Raises Failure where something doesn't come back; `applied` stays as it was, so the next run tries again.
    """
    pods = StaticPods(machine, machine.api_server_stops_seconds + start_seconds)
    # kubeadm asks the API server of this machine, which may just be starting.
    pods.revive_api_server()
    folders = machine.folders
    text, applied = folders.configuration.read_text(), content_of(folders.applied) or ""
    lacks_lock = is_older_than(folders.shutdown_limit, "kubelet")
    if text == applied:
        report("the configuration is the one that runs")
        if lacks_lock:
            with turn():
                _restart_kubelet()
        return
    report("applying what changed:")
    for line in changed_lines(applied, text):
        log.write(f"  {line}\n")
    before, now = read_documents(applied, folders.applied), read_documents(text, folders.configuration)
    with turn() as held:
        run_phase(machine, "upload-config", "all")
        # Static pods first: a kubelet that has just started and meets a changed manifest waits two minutes for its
        # volumes.
        if changed("ClusterConfiguration", before, now):
            renew_api_certificate(machine, certificate_names(now))
            held.check()
            pods.apply()
        if changed("KubeletConfiguration", before, now) or changed("InitConfiguration", before, now):
            run_phase(machine, "kubelet-start")
            wait_for_unit("kubelet", 60, "the kubelet to be healthy", _check_kubelet)
        elif lacks_lock:
            _restart_kubelet()
        if changed("KubeProxyConfiguration", before, now):
            run_phase(machine, "addon", "kube-proxy")
            machine.kubectl.run("rollout", "restart", "daemonset", "kube-proxy", "--namespace", "kube-system")
        apply_taint(machine, runs_ordinary_pods(now))
        pods.wait_for_api_server("to be ready")
    report("the new configuration runs")


def _restart_kubelet() -> None:
    """So that it takes its lock against a shutdown, which logind had no time for when it started."""
    report("the kubelet starts again: a shutdown is to wait for its pods")
    run(["systemctl", "restart", "kubelet"])
    wait_for_unit("kubelet", 60, "the kubelet to be healthy", _check_kubelet)


def _check_kubelet() -> None:
    https.request(_KUBELET_HEALTHZ, seconds=2).expected(_KUBELET_HEALTHZ)


def apply_taint(machine: ThisMachine, runs_ordinary: bool) -> None:
    """Keeps ordinary pods off this control plane, or lets them run here."""
    if not runs_ordinary:
        machine.kubectl.run("taint", "node", machine.name, _TAINT, "--overwrite")
        return
    try:
        machine.kubectl.run("taint", "node", machine.name, f"{_TAINT}-")
    except Failure as failure:
        # kubectl also fails where there is none to take away.
        if "not found" not in str(failure):
            report(f"the taint may still be there: {failure}")
