"""A workload with a budget for disruptions, and a record of how it fared while workers came and went."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from components.checks.smoke import IMAGE
from tests.cluster.account import instance_ids
from tests.cluster.conftest import Workspace
from tests.cluster.waiting import until

NAMESPACE = "drill"
REPLICAS = 6
MAY_BE_AWAY = 1
_LABELS = {"app": "web"}
_AVAILABLE = 'jsonpath={.status.availableReplicas}{"\\n"}'
_PODS = 'jsonpath={.type}{" "}{.object.metadata.name}{" "}{.object.spec.nodeName}{"\\n"}'


def pod(arguments: Sequence[str], **spec: object) -> dict[str, Any]:
    """The spec of a pod with one small container, and further fields."""
    container = {
        "name": "main",
        "image": IMAGE,
        "args": list(arguments),
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
    }
    return {"containers": [container], "terminationGracePeriodSeconds": 5, **spec}


def apply_workload(workspace: Workspace) -> None:
    """Six replicas on all nodes that there are, of which one may be away; returns when all are available."""
    spec = pod(
        ["netexec", "--http-port=8080"],
        topologySpreadConstraints=[
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": _LABELS},
                # Among the nodes that it may use, and without counting the pods that it takes the place of.
                "nodeTaintsPolicy": "Honor",
                "matchLabelKeys": ["pod-template-hash"],
            }
        ],
    )
    spec["containers"][0]["readinessProbe"] = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
    deployment = {
        "replicas": REPLICAS,
        "selector": {"matchLabels": _LABELS},
        # So that a roll-out is no disruption beyond the budget.
        "strategy": {"rollingUpdate": {"maxUnavailable": MAY_BE_AWAY, "maxSurge": 1}},
        "template": {"metadata": {"labels": _LABELS}, "spec": spec},
    }
    budget = {"maxUnavailable": MAY_BE_AWAY, "selector": {"matchLabels": _LABELS}}
    documents = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        _in_namespace("apps/v1", "Deployment", "web", deployment),
        _in_namespace("policy/v1", "PodDisruptionBudget", "web", budget),
    ]
    apply(workspace, *documents)
    roll_out(workspace)


def apply(workspace: Workspace, *documents: dict[str, Any]) -> None:
    workspace.kubectl("apply", "--filename=-", given="\n---\n".join(json.dumps(one) for one in documents))


def bare_pod(name: str, **spec: object) -> dict[str, Any]:
    """A pod that nobody looks after, as a document."""
    return _in_namespace("v1", "Pod", name, pod(["pause"], **spec))


def roll_out(workspace: Workspace) -> None:
    """Waits until every replica is of the newest kind and available."""
    workspace.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/web", "--timeout=600s")


def spread_again(workspace: Workspace) -> None:
    """New pods in place of all, so that nodes that came later have some, too."""
    workspace.kubectl("-n", NAMESPACE, "rollout", "restart", "deployment/web")
    roll_out(workspace)


def nodes_with_pods(workspace: Workspace) -> set[str]:
    listed = json.loads(workspace.kubectl("-n", NAMESPACE, "get", "pods", "-l", "app=web", "-o", "json"))["items"]
    return {found["spec"]["nodeName"] for found in listed if found["status"]["phase"] == "Running"}


def _in_namespace(version: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


@dataclass
class Record:
    """What happened, by moments of the monotonic clock.

    `available` is each number of available replicas that the API told, `left` when the last pod of the workload on a
    node was gone, `ended` when a pool's machine was seen not to run any more.
    """

    available: list[tuple[float, int]] = field(default_factory=list)
    left: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)

    @property
    def fewest(self) -> int:
        return min(number for _, number in self.available)


@contextmanager
def recorded(workspace: Workspace, pool: str) -> Iterator[Record]:
    """Records while the body runs. Fails where a watch broke off, for then something may have been missed."""
    record, over = Record(), threading.Event()
    budget = ["-n", NAMESPACE, "get", "deployment", "web", "--watch", "-o", _AVAILABLE]
    pods = ["-n", NAMESPACE, "get", "pods", "-l", "app=web", "--watch", "--output-watch-events", "-o", _PODS]
    watches = [_watch(workspace, arguments) for arguments in (budget, pods)]
    threads = [
        threading.Thread(target=_read_available, args=(watches[0], record)),
        threading.Thread(target=_read_pods, args=(watches[1], record)),
        threading.Thread(target=_look_at_machines, args=(workspace, pool, record, over)),
    ]
    for thread in threads:
        thread.start()
    try:
        until(lambda: record.available, "the watch to begin", 60)
        yield record
        assert [watch.poll() for watch in watches] == [None, None], "a watch broke off"
    finally:
        over.set()
        for watch in watches:
            watch.kill()
        for thread in threads:
            thread.join()


def _watch(workspace: Workspace, arguments: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        workspace.kubectl_command(*arguments), env=workspace.environment, stdout=subprocess.PIPE, text=True
    )


def _read_available(watch: subprocess.Popen[str], record: Record) -> None:
    assert watch.stdout is not None
    for line in watch.stdout:
        record.available.append((time.monotonic(), int(line.strip() or 0)))


def _read_pods(watch: subprocess.Popen[str], record: Record) -> None:
    assert watch.stdout is not None
    for line in watch.stdout:
        kind, _, node = (*line.split(), "")[:3]
        if kind == "DELETED":
            record.left[node] = time.monotonic()


def _look_at_machines(workspace: Workspace, pool: str, record: Record, over: threading.Event) -> None:
    seen: set[str] = set()
    while not over.wait(0.5):
        running = set(pool_nodes_that_run(workspace, pool))
        record.ended.update(dict.fromkeys(seen - running, time.monotonic()))
        seen = running


def pool_nodes_that_run(workspace: Workspace, pool: str) -> list[str]:
    """Names of the Nodes that the pool's running machines are or will be."""
    ids = instance_ids(workspace.environment).get(f"{workspace.stack}-{pool}", [])
    return [f"{pool}-{instance}" for instance in ids]


def ready_nodes(workspace: Workspace, pool: str) -> dict[str, dict[str, Any]]:
    """The pool's Nodes that are Ready, by name."""
    listed = json.loads(workspace.kubectl("get", "nodes", "-l", f"quorate/pool={pool}", "-o", "json"))["items"]
    return {
        node["metadata"]["name"]: node
        for node in listed
        if any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])
    }


def node_names(workspace: Workspace) -> set[str]:
    return {name.removeprefix("node/") for name in workspace.kubectl("get", "nodes", "-o", "name").split()}
