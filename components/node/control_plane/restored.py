"""wait-restored: returns when the cluster works after a restore: each kubelet and each controller has written to the
API since, what they run is available, and a new namespace gets what controllers give it.

Kubelets and controllers watch from revisions that the restored data has marked as compacted, so the API has them list
everything again.
"""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Mapping, Sequence
from functools import partial

from components.node.common import log
from components.node.common.environment import read_environment
from components.node.common.failure import Failure
from components.node.common.kubectl import Kubectl, admin_kubectl
from components.node.common.machine_lock import machine_lock
from components.node.common.programs import run
from components.node.common.step import run_step, usage
from components.node.common.waiting import NotYet, wait_until
from components.node.control_plane.readiness import Wanted, wait_ready
from components.node.restore.nodes import is_ready
from components.node.restore.pods import CONTROLLERS

_STEP = "wait-restored"
_HEARD_SECONDS = 300
# That of an interrupted call goes on.
_TURN_SECONDS = 1800
_NAMESPACE_SECONDS = 120
_TRIAL = "quorate-restore-trial"


def main(arguments: Sequence[str]) -> int:
    if arguments:
        return usage(f"usage: quorate-node {_STEP}")
    return run_step(_STEP, _work, within=machine_lock(_STEP, _TURN_SECONDS))


def _work() -> None:
    values = read_environment("NETWORK_PLUGIN_WORKLOAD")
    wait_restored(values)


def wait_restored(values: Mapping[str, str], kubectl: Kubectl = admin_kubectl) -> None:
    """Raises Failure with what is missing."""
    since = time.time()
    if values.get("JOIN_PARAMETER"):
        # The token that workers are given is newer than the snapshot, which does not know it.
        run(["systemctl", "start", "--no-block", "quorate-join-credentials.service"])
    what = "controllers and kubelets to write to the API"
    wait_until(_HEARD_SECONDS, what, partial(check_heard, kubectl, since))
    log.report("each controller and each kubelet has written to the API since")
    wait_ready(Wanted(), values["NETWORK_PLUGIN_WORKLOAD"], values.get("TARGET_GROUPS", "").split())
    try_controllers(kubectl)


def check_heard(kubectl: Kubectl, since: float) -> None:
    """Raises NotYet unless all leases were renewed after `since`, and each Node is Ready."""
    leaders, kubelets = _renewals(kubectl, "kube-system"), _renewals(kubectl, "kube-node-lease")
    ready = {node["metadata"]["name"]: is_ready(node) for node in kubectl.read("nodes")["items"]}
    missing = silent_since(since, {name: leaders.get(name, 0.0) for name in CONTROLLERS}, ready, kubelets)
    if missing:
        raise NotYet("; ".join(missing))


def silent_since(
    since: float, leaders: Mapping[str, float], ready: Mapping[str, bool], kubelets: Mapping[str, float]
) -> Sequence[str]:
    """Who has not been heard since: leaders by their leases, nodes by their kubelets'. Pure; times as time.time()."""
    missing = [f"{name} has not renewed its lease" for name, renewed in leaders.items() if renewed <= since]
    for name, there in sorted(ready.items()):
        if kubelets.get(name, 0.0) <= since:
            missing.append(f"the kubelet of {name} is silent")
        elif not there:
            missing.append(f"{name} is not Ready")
    return missing


def try_controllers(kubectl: Kubectl) -> None:
    """A namespace comes and goes as controllers have it. Raises Failure where they do nothing."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _TRIAL}}
    kubectl.run("apply", "--filename", "-", stdin=json.dumps(namespace))
    try:
        what = f"controllers to give the new namespace {_TRIAL} what each has"
        wait_until(_NAMESPACE_SECONDS, what, partial(_check_given, kubectl))
    finally:
        kubectl.run("delete", "namespace", _TRIAL, "--ignore-not-found", "--wait=false")
    wait_until(_NAMESPACE_SECONDS, f"controllers to remove the namespace {_TRIAL}", partial(_check_gone, kubectl))
    log.report("controllers act: a namespace came and went")


def _check_given(kubectl: Kubectl) -> None:
    for kind, name in (("serviceaccount", "default"), ("configmap", "kube-root-ca.crt")):
        if kubectl.read(kind, name, "--namespace", _TRIAL, "--ignore-not-found") is None:
            raise NotYet(f"there is no {kind} {name}")


def _check_gone(kubectl: Kubectl) -> None:
    if kubectl.read("namespace", _TRIAL, "--ignore-not-found") is not None:
        raise NotYet("it is still there")


def _renewals(kubectl: Kubectl, namespace: str) -> Mapping[str, float]:
    """When each lease was renewed; 0 where it never was."""
    rows = kubectl.rows("leases", "--namespace", namespace, fields=(".metadata.name", ".spec.renewTime"))
    return {name: moment(renewed) for name, renewed in rows}


def moment(text: str) -> float:
    """Of a time as leases have it, in UTC, such as 2026-11-28T00:30:01.123456Z; 0 for none. Raises Failure."""
    if not text:
        return 0.0
    whole, _, fraction = text.rstrip("Z").partition(".")
    try:
        return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{fraction or 0}")
    except ValueError as error:
        raise Failure(f"a lease was renewed at '{text}', which is no time") from error
