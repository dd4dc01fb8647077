"""Care for workers that come and go, by the control-plane machine whose controller manager leads; a timer starts it.

A new worker comes into service when its node is Ready. One that its group is about to terminate is drained, then let
go. The Node of an instance that is gone is removed. One that joined by an earlier release learns which instance it is.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from components.node.common import log
from components.node.common.environment import read_environment
from components.node.common.failure import Failure
from components.node.common.kubectl import Kubectl, admin_kubectl
from components.node.common.step import run_step
from components.node.control_plane.drain import Drain
from components.node.control_plane.nodes import Node, list_nodes
from components.node.control_plane.provider_id import set_provider_id
from components.node.control_plane.worker_groups import Instance, end_wait, list_instances
from components.node.restore.record import rests_while_restoring

_BETWEEN_LOOKS_SECONDS = 5.0
JOIN_HOOK = "join"
DRAIN_HOOK = "drain"
# In a look, so that none of them takes long.
_NAMED_AT_ONCE = 50


@dataclass(frozen=True)
class Decision:
    """What is to be done: instances by what happens to them, and the names of nodes to remove."""

    into_service: tuple[Instance, ...] = ()
    silent: tuple[Instance, ...] = ()
    never_joined: tuple[Instance, ...] = ()
    to_drain: tuple[Instance, ...] = ()
    gone: tuple[str, ...] = ()
    unnamed: tuple[Instance, ...] = ()


def decide(instances: Sequence[Instance], nodes: Sequence[Node], draining: Collection[str]) -> Decision:
    """Pure. Both lists are whole; `draining` are the ids of instances whose drain has begun."""
    ready = {node.name: node.ready for node in nodes}
    leaving = [instance for instance in instances if instance.state == "Terminating:Wait"]
    # Nobody on a silent machine ends its pods, so its drain would never end.
    silent = [instance for instance in leaving if ready.get(instance.node) == "Unknown"]
    others = [instance for instance in leaving if instance not in silent and instance.id not in draining]
    ids = {instance.id for instance in instances}
    unnamed = {node.name for node in nodes if not node.provider_id}
    return Decision(
        into_service=tuple(i for i in instances if i.state == "Pending:Wait" and ready.get(i.node) == "True"),
        silent=tuple(silent),
        never_joined=tuple(instance for instance in others if instance.node not in ready),
        to_drain=tuple(instance for instance in others if instance.node in ready),
        # A node whose kubelet reports has a machine, whatever the groups say.
        gone=tuple(n.name for n in nodes if n.pool and n.ready != "True" and _instance_id(n.name) not in ids),
        unnamed=tuple(instance for instance in instances if instance.node in unnamed and instance.zone),
    )


def _instance_id(node: str) -> str:
    return f"i-{node.rpartition('-i-')[2]}"


def is_holder(holder: str, machine: str) -> bool:
    """Whether a lease's holder is a process of `machine`: the holder is MACHINE_UUID, and no machine's name has a _."""
    return holder.partition("_")[0] == machine


class Care:
    """One run on the machine that leads."""

    def __init__(self, cluster: str, machine: str, kubectl: Kubectl = admin_kubectl) -> None:
        self._cluster, self._machine, self._kubectl = cluster, machine, kubectl
        self._drains: dict[str, Drain] = {}

    def leads(self) -> bool:
        where = ("--namespace", "kube-system", "get", "lease", "kube-controller-manager")
        holder = self._kubectl.run(*where, "--output", "jsonpath={.spec.holderIdentity}")
        return is_holder(holder.strip(), self._machine)

    def run(self, between_looks: float = _BETWEEN_LOOKS_SECONDS) -> None:
        """Returns when no drain is left. Raises Failure where not even the first look came about."""
        self.look()
        # A worker that is to go now must not wait until the drains of others have ended.
        while any(drain.runs() for drain in self._drains.values()):
            time.sleep(between_looks)
            try:
                self.look()
            except Failure as failure:
                log.report(f"{failure}; the drains go on, and the next look follows")

    def look(self) -> None:
        """Acts once on what the API and the groups say now; drains go on after it."""
        # In this order: the instance of a node that is in the first list must be in the second, too.
        nodes = list_nodes(self._kubectl)
        self._act(decide(list_instances(self._cluster), nodes, self._drains.keys()))

    def _act(self, decision: Decision) -> None:
        for instance in decision.into_service:
            log.report(f"{instance.node} is Ready and comes into service")
            self._let_go_on(instance, JOIN_HOOK)
        for instance in decision.silent:
            log.report(f"{instance.node} is silent: nobody there ends its pods, so it goes without a drain")
            if drain := self._drains.get(instance.id):
                drain.abandon()
            self._let_go_on(instance, DRAIN_HOOK)
        for instance in decision.never_joined:
            log.report(f"{instance.node} never joined: there is nothing to drain")
            self._let_go_on(instance, DRAIN_HOOK)
        for instance in decision.to_drain:
            log.report(f"draining {instance.node}, which its group is about to terminate")
            self._drains[instance.id] = self._drain(instance)
        for name in decision.gone:
            log.report(f"removing node {name}: its instance is gone")
            self._kubectl.run("delete", "node", name, "--ignore-not-found")
        for instance in decision.unnamed[:_NAMED_AT_ONCE]:
            self._name(instance)

    def _name(self, instance: Instance) -> None:
        try:
            set_provider_id(self._kubectl, instance.node, instance.provider_id)
        except Failure as failure:
            log.report(f"node {instance.node} did not take its instance's id: {failure}; the next run tries it again")

    def _drain(self, instance: Instance) -> Drain:
        return Drain(instance.node, lambda: self._let_go_on(instance, DRAIN_HOOK), self._kubectl.kubeconfig)

    def _let_go_on(self, instance: Instance, hook: str) -> None:
        try:
            end_wait(instance, hook)
        except Failure as failure:
            what = f"the group {instance.group} did not take the end of the wait of {instance.id} (hook {hook})"
            log.report(f"{what}: {failure}; the next run repeats it, or the wait runs out")


def tend(values: Mapping[str, str]) -> None:
    if rests_while_restoring():
        return
    care = Care(values["CLUSTER_NAME"], values["MACHINE_NAME"])
    if care.leads():
        care.run()


def main(arguments: Sequence[str]) -> int:
    return run_step("tend-workers", lambda: tend(read_environment("MACHINE_NAME", "CLUSTER_NAME")))
