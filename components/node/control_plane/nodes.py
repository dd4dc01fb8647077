"""The cluster's nodes as its API knows them."""

from __future__ import annotations

from dataclasses import dataclass

from components.node.common.kubectl import Kubectl, admin_kubectl

_READY = '.status.conditions[?(@.type=="Ready")]'
_FIELDS = (
    ".metadata.name", ".metadata.labels.quorate/pool", f"{_READY}.status", f"{_READY}.reason", ".spec.providerID",
    ".status.nodeInfo.kubeletVersion", ".spec.unschedulable", '.status.conditions[?(@.status=="True")].type',
)  # fmt: skip


@dataclass(frozen=True)
class Node:
    """`ready` is "True", "False", "Unknown" where its kubelet is silent, or empty. Only workers have a `pool`.

    `version` is the kubelet's, as v1.36.4; `unschedulable` is "true" on a node that takes no more pods; `conditions`
    are the types of those that are true, Ready among them, with spaces between.
    """

    name: str
    pool: str = ""
    ready: str = ""
    reason: str = ""
    provider_id: str = ""
    version: str = ""
    unschedulable: str = ""
    conditions: str = ""


def list_nodes(kubectl: Kubectl = admin_kubectl) -> tuple[Node, ...]:
    """All nodes. Raises Failure where the API does not answer."""
    return tuple(Node(*row) for row in kubectl.rows("nodes", fields=_FIELDS))
