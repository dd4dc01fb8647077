"""The Node's spec.providerID: how controllers of AWS and autoscalers find the instance that a Node is.

A kubelet writes it when it registers its Node, and the API lets it be set once. So a Node from before this was known
gets it here, and one that outlived its instance on etcd's disk is made again, as it is, under the new instance.
"""

from __future__ import annotations

import json
import re
from typing import Any

from components.node.common.aws import metadata
from components.node.common.failure import Failure
from components.node.common.kubectl import Kubectl
from components.node.common.log import report
from components.node.common.programs import run
from components.node.common.waiting import wait_until
from components.node.control_plane.phases import run_phase
from components.node.control_plane.this_machine import ThisMachine

_PROVIDER_ID = re.compile(r"aws:///[a-z0-9-]+/i-[0-9a-f]+")
# What the API gives an object, and takes for no new one.
_OF_THE_OLD = ("uid", "resourceVersion", "creationTimestamp", "managedFields")


def own_provider_id(seconds: float = 120) -> str:
    """`aws:///ZONE/INSTANCE` of this machine, by its metadata. Raises Failure."""
    paths = ("placement/availability-zone", "instance-id")
    zone, instance = wait_until(
        seconds, "the zone and the instance's id from its metadata", lambda: [metadata(f"meta-data/{p}") for p in paths]
    )
    provider_id = f"aws:///{zone.strip()}/{instance.strip()}"
    if not _PROVIDER_ID.fullmatch(provider_id):
        raise Failure(f"the instance's metadata names no zone and instance but: {provider_id[:80]}")
    return provider_id


def set_provider_id(kubectl: Kubectl, node: str, provider_id: str) -> None:
    """For a Node that has none. Raises Failure."""
    patch = json.dumps({"spec": {"providerID": provider_id}})
    kubectl.run("patch", "node", node, "--type", "merge", "--patch", patch)
    report(f"node {node} is instance {provider_id}")


def correct_provider_id(machine: ThisMachine, provider_id: str, seconds: float = 60) -> None:
    """The Node of this machine is this instance afterwards, whatever it was. Raises Failure."""
    kubectl = machine.kubectl
    node = wait_until(seconds, f"the API to tell of node {machine.name}", lambda: _read(machine))
    if node is None:
        # A run that was cut off while it made the Node again, or somebody who deleted it: no kubelet looks for that.
        report(f"there is no node {machine.name}: the kubelet starts again, to register it")
        run(["systemctl", "restart", "kubelet"])
        wait_until(seconds, f"node {machine.name} to be registered", lambda: _registered(machine))
        run_phase(machine, "mark-control-plane")
        return
    known = node["spec"].get("providerID", "")
    if not known:
        set_provider_id(kubectl, machine.name, provider_id)
    elif known != provider_id:
        report(f"node {machine.name} was instance {known}, and is {provider_id} now")
        for field in _OF_THE_OLD:
            node["metadata"].pop(field, None)
        node["spec"]["providerID"] = provider_id
        kubectl.run("replace", "--force", "--filename", "-", stdin=json.dumps(node), seconds=seconds)


def _read(machine: ThisMachine) -> Any:
    return machine.kubectl.read("node", machine.name, "--ignore-not-found")


def _registered(machine: ThisMachine) -> None:
    if _read(machine) is None:
        raise Failure("the API knows no such node")
