"""observe-cluster: what the API server of this control plane says of nodes and of the system's pods, and what the load
balancers say of API servers, as JSON on its last line. Changes nothing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from components.node.common.environment import read_environment
from components.node.common.failure import Failure
from components.node.common.kubectl import Kubectl, admin_kubectl
from components.node.common.step import run_step, usage
from components.node.control_plane.load_balancers import targets_of
from components.node.control_plane.nodes import list_nodes

_STEP: Final = "observe-cluster"
_SYSTEM: Final = "kube-system"
_WORKLOADS: Final = (
    ("deployments", ".spec.replicas", ".status.availableReplicas"),
    ("daemonsets", ".status.desiredNumberScheduled", ".status.numberAvailable"),
)
_READY: Final = '.status.conditions[?(@.type=="Ready")]'
_WAITS_FOR: Final = ".status.containerStatuses[*].state.waiting.reason"


def main(arguments: Sequence[str]) -> int:
    if arguments:
        return usage(f"usage: quorate-node {_STEP}")
    return run_step(_STEP, lambda: print(json.dumps(observe_cluster()), flush=True))


def observe_cluster() -> Mapping[str, Any]:
    """Raises Failure where the API server of this machine does not answer."""
    values = read_environment("NODE_ADDRESS", "NETWORK_PLUGIN_WORKLOAD")
    kubectl = dataclasses.replace(admin_kubectl.at(values["NODE_ADDRESS"]), request_seconds=60)
    namespaces = sorted({_SYSTEM, values["NETWORK_PLUGIN_WORKLOAD"].partition("/")[0]})
    return {
        "nodes": [dataclasses.asdict(node) for node in list_nodes(kubectl)],
        "workloads": [each for namespace in namespaces for each in _workloads(kubectl, namespace)],
        "pods": [each for namespace in namespaces for each in _pods_that_are_not_ready(kubectl, namespace)],
        **_targets(values.get("TARGET_GROUPS", "").split()),
    }


def _workloads(kubectl: Kubectl, namespace: str) -> Iterable[Mapping[str, Any]]:
    for kind, wanted, available in _WORKLOADS:
        for name, *numbers in _rows(kubectl, namespace, kind, (".metadata.name", wanted, available)):
            each = [int(number or 0) for number in numbers]
            yield {"name": f"{namespace}/{kind[:-1]}/{name}", "wanted": each[0], "available": each[1]}


def _pods_that_are_not_ready(kubectl: Kubectl, namespace: str) -> Iterable[Mapping[str, str]]:
    fields = (".metadata.name", ".status.phase", f"{_READY}.status", f"{_READY}.reason", _WAITS_FOR)
    for name, phase, ready, *reasons in _rows(kubectl, namespace, "pods", fields):
        if ready != "True" and phase != "Succeeded":
            yield {"name": f"{namespace}/{name}", "why": ", ".join(filter(None, (phase, *reasons)))}


def _rows(kubectl: Kubectl, namespace: str, kind: str, fields: Sequence[str]) -> list[list[str]]:
    return kubectl.rows(kind, "--namespace", namespace, fields=fields, seconds=120)


def _targets(groups: Sequence[str]) -> Mapping[str, Any]:
    try:
        return {"targets": [dataclasses.asdict(target) for target in targets_of(groups)], "targetsWhy": ""}
    except Failure as failure:
        return {"targets": [], "targetsWhy": str(failure)}
