"""Pods on every machine of a cluster: who of them reaches whom, and under which policies."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from components.checks.smoke import IMAGE
from tests.cluster.conftest import Workspace

TALK, GUARDED = "talk", "guarded"
FRIEND, STRANGER = "friend", "stranger"
PORT = 8080
REACHED, TIMEOUT, UNRESOLVED = "reached", "TIMEOUT", "DNS"
# By namespace: what stands there on every machine. Who is guarded is reached, and reaches others, as policies say.
_GROUPS = {TALK: (FRIEND, STRANGER), GUARDED: (GUARDED,)}
_ASK_EACH = """
for target; do
  (if said=$(/agnhost connect "$target" --timeout 4s 2>&1); then said=reached; fi; echo "$target ${said%%:*}") &
done
wait
"""
_SECONDS = 120

Object = dict[str, object]
# Outcome by name of the pod that asked and by what it asked for.
Reach = dict[tuple[str, str], str]

ONLY_FRIENDS: Object = {
    "podSelector": {"matchLabels": {"app": GUARDED}},
    "policyTypes": ["Ingress"],
    "ingress": [
        {
            "from": [
                {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": TALK}},
                    "podSelector": {"matchLabels": {"app": FRIEND}},
                }
            ],
            "ports": [{"protocol": "TCP", "port": PORT}],
        }
    ],
}
DENY_ALL: Object = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@dataclass(frozen=True)
class Pod:
    """One pod of a group, by where it stands."""

    namespace: str
    group: str
    name: str
    node: str
    address: str

    @property
    def target(self) -> str:
        return f"{self.address}:{PORT}"


def deploy(workspace: Workspace) -> dict[str, tuple[Pod, ...]]:
    """The pods of each group, one on every machine, the control plane included; they are ready."""
    objects: list[Object] = []
    for namespace, groups in _GROUPS.items():
        objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        for group in groups:
            objects += [_daemon_set(namespace, group), _service(namespace, group)]
    _apply(workspace, objects)
    for namespace, groups in _GROUPS.items():
        for group in groups:
            workspace.kubectl("-n", namespace, "rollout", "status", f"daemonset/{group}", "--timeout=240s")
    return {group: _pods(workspace, namespace, group) for namespace, groups in _GROUPS.items() for group in groups}


def restrict(workspace: Workspace, name: str, spec: Object) -> None:
    """A policy in the namespace of the guarded pods."""
    metadata = {"name": name, "namespace": GUARDED}
    policy: Object = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
    _apply(workspace, [policy])


def lift(workspace: Workspace, name: str) -> None:
    workspace.kubectl("-n", GUARDED, "delete", "networkpolicy", name)


def reach(workspace: Workspace, sources: Sequence[Pod], targets: Sequence[str]) -> Reach:
    """What each source says when it opens a connection to each target."""

    def ask(source: Pod) -> Reach:
        said = workspace.kubectl(
            "-n", source.namespace, "exec", source.name, "--", "sh", "-c", _ASK_EACH, "sh", *targets
        )
        answers = dict(line.split(" ", 1) for line in said.splitlines())
        return {(source.name, target): answers.get(target, "no answer") for target in targets}

    with ThreadPoolExecutor(2) as threads:
        return {pair: outcome for answers in threads.map(ask, sources) for pair, outcome in answers.items()}


def becomes(workspace: Workspace, sources: Sequence[Pod], targets: Sequence[str], wanted: str) -> None:
    """Returns when every source has that outcome with every target; fails with those that differ."""
    deadline = time.monotonic() + _SECONDS
    while True:
        seen = reach(workspace, sources, targets)
        others = {pair: outcome for pair, outcome in seen.items() if outcome != wanted}
        assert len(seen) == len(sources) * len(targets) > 0
        if not others:
            return
        if time.monotonic() > deadline:
            pytest.fail(f"after {_SECONDS} s, not {wanted}: {others}")


def targets(pods: Sequence[Pod]) -> list[str]:
    """Each pod's own address, and their Service."""
    return [*(pod.target for pod in pods), service_name(pods[0])]


def service_name(pod: Pod) -> str:
    return f"{pod.group}.{pod.namespace}.svc.cluster.local:80"


def cluster_dns(workspace: Workspace) -> dict[str, str]:
    """Addresses of the pods of cluster DNS by the node that each stands on."""
    listed = workspace.kubectl("-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-dns", "-o", "json")
    return {pod["spec"]["nodeName"]: pod["status"]["podIP"] for pod in json.loads(listed)["items"]}


def nodes(workspace: Workspace) -> dict[str, tuple[str, Mapping[str, str]]]:
    """Address and labels of each node."""
    listed = json.loads(workspace.kubectl("get", "nodes", "-o", "json"))["items"]
    return {
        node["metadata"]["name"]: (
            next(a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"),
            node["metadata"]["labels"],
        )
        for node in listed
    }


def provider_ids(workspace: Workspace) -> dict[str, str]:
    """What each node says that it is in AWS."""
    listed = json.loads(workspace.kubectl("get", "nodes", "-o", "json"))["items"]
    return {node["metadata"]["name"]: node["spec"].get("providerID", "") for node in listed}


def _apply(workspace: Workspace, objects: Sequence[Object]) -> None:
    file = workspace.folder / "applied.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    workspace.kubectl("apply", "-f", str(file))


def _pods(workspace: Workspace, namespace: str, group: str) -> tuple[Pod, ...]:
    listed = json.loads(workspace.kubectl("-n", namespace, "get", "pods", "-l", f"app={group}", "-o", "json"))["items"]
    return tuple(
        Pod(namespace, group, pod["metadata"]["name"], pod["spec"]["nodeName"], pod["status"]["podIP"])
        for pod in listed
    )


def _daemon_set(namespace: str, group: str) -> Object:
    labels = {"app": group}
    container = {
        "name": "web",
        "image": IMAGE,
        "args": ["netexec", f"--http-port={PORT}"],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": PORT}, "periodSeconds": 2, "timeoutSeconds": 5},
    }
    pod = {
        "tolerations": [{"operator": "Exists"}],
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": group, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _service(namespace: str, group: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": group, "namespace": namespace},
        "spec": {"selector": {"app": group}, "ports": [{"port": 80, "targetPort": PORT}]},
    }
