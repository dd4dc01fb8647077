"""Nodes that joined after the snapshot was taken: the restored data lacks them, and no kubelet that runs registers its
Node a second time (kubernetes/kubernetes#71398). So they are written down before, and made again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from components.node.common import log
from components.node.common.failure import Failure
from components.node.common.files import content_of, install_text
from components.node.common.kubectl import Kubectl

KEPT: Final = Path("/var/lib/quorate/nodes-before-restore.json")
_METADATA = ("name", "labels", "annotations")
_SPEC = ("podCIDR", "podCIDRs", "providerID", "taints", "unschedulable")


def keep_nodes(kubectl: Kubectl, path: Path = KEPT) -> None:
    """Writes down the Nodes that are Ready, as far as the API answers; what was written down before counts no more."""
    path.unlink(missing_ok=True)
    try:
        nodes = kubectl.read("nodes")["items"]
    except Failure as failure:
        log.report(f"the API does not say which nodes there are: {failure}")
        return
    install_text(path, json.dumps([_kept(node) for node in nodes if is_ready(node)]), 0o600)


def bring_nodes_back(kubectl: Kubectl, path: Path = KEPT) -> None:
    """Makes those of them again that are not there. Raises Failure."""
    kept: Sequence[Mapping[str, Any]] = json.loads(content_of(path) or "[]")
    there = {node["metadata"]["name"] for node in kubectl.read("nodes")["items"]}
    for node in kept:
        if node["metadata"]["name"] not in there:
            log.report(f"node {node['metadata']['name']} joined after the snapshot was taken: making it again")
            kubectl.run("create", "--filename", "-", stdin=json.dumps(node))


def is_ready(node: Mapping[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", ())
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _kept(node: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata, spec = node["metadata"], node.get("spec", {})
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {name: metadata[name] for name in _METADATA if name in metadata},
        "spec": {name: spec[name] for name in _SPEC if name in spec},
    }
