"""wait-ready NODE… POOL:MINIMUM…: returns when those nodes are Ready and as many of each pool, the system's pods are
available, and cluster DNS and the API's Service answer; otherwise it fails with what it found last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from components.node.common import log
from components.node.common.environment import read_environment
from components.node.common.failure import Failure
from components.node.common.https import Trust, request
from components.node.common.kubectl import admin_kubectl
from components.node.common.programs import run
from components.node.common.step import run_step, usage
from components.node.common.waiting import NotYet, wait_until
from components.node.control_plane.cluster_dns import resolve
from components.node.control_plane.load_balancers import check_used
from components.node.control_plane.nodes import Node, list_nodes
from components.timings import TARGET_BECOMES_HEALTHY

NODES_SECONDS = 900.0
_WORKLOAD_SECONDS = 300
_SERVICE_SECONDS = 60
_API_NAME = "kubernetes.default.svc.cluster.local"
_AUTHORITY = Path("/etc/kubernetes/pki/ca.crt")
_ADVICE = """
  On a control plane the step that failed has said why. A worker writes each step to its console and to its journal:
  aws ec2 get-console-output --instance-id ID, or journalctl --unit quorate-join on it"""


@dataclass(frozen=True)
class Wanted:
    """Names of nodes, and the least number of Ready nodes of each pool."""

    nodes: tuple[str, ...] = ()
    pools: tuple[tuple[str, int], ...] = ()


def read_wanted(arguments: Sequence[str]) -> Wanted:
    """Raises ValueError for a minimum that is no number."""
    pools = [argument.rpartition(":") for argument in arguments if ":" in argument]
    return Wanted(
        tuple(argument for argument in arguments if ":" not in argument),
        tuple((pool, int(minimum)) for pool, _, minimum in pools),
    )


def missing_of(wanted: Wanted, nodes: Sequence[Node]) -> list[str]:
    """What is not there yet, and what is known of it. Pure."""
    found = {node.name: node for node in nodes}
    missing = []
    for name in wanted.nodes:
        node = found.get(name)
        if node is None:
            missing.append(f"{name}: Ready is unknown, it has not joined")
        elif node.ready != "True":
            missing.append(f"{name}: Ready is {node.ready or 'not reported'} ({node.reason})")
    for pool, minimum in wanted.pools:
        of_pool = re.compile(rf"{re.escape(pool)}-i-[0-9a-f]+")
        count = sum(node.ready == "True" and bool(of_pool.fullmatch(node.name)) for node in nodes)
        if count < minimum:
            missing.append(f"pool {pool} has {count} Ready of {minimum}")
    return missing


@dataclass
class Arrivals:
    """Announces each node once, when it is Ready for the first time."""

    announced: set[str] = field(default_factory=set)

    def announce(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            if node.ready == "True" and node.name not in self.announced:
                self.announced.add(node.name)
                log.report(f"node {node.name} is Ready")


def wait_for_nodes(wanted: Wanted, seconds: float) -> None:
    arrivals = Arrivals()

    def all_there() -> None:
        nodes = list_nodes()
        arrivals.announce(nodes)
        if missing := missing_of(wanted, nodes):
            raise NotYet("; ".join(missing))

    try:
        wait_until(seconds, "nodes", all_there)
    except Failure as failure:
        raise Failure(f"{failure}{_ADVICE}") from failure


def rolled_out(workload: str) -> None:
    """Raises Failure unless all pods of NAMESPACE/KIND/NAME are of its newest generation, and available."""
    namespace, _, name = workload.partition("/")
    admin_kubectl.run("--namespace", namespace, "rollout", "status", name, "--timeout", "5s", seconds=10)


def _address_of(namespace: str, service: str) -> str:
    where = ("--namespace", namespace, "get", "service", service)
    return admin_kubectl.run(*where, "--output", "jsonpath={.spec.clusterIP}").strip()


def dns_answers() -> None:
    resolve(_address_of("kube-system", "kube-dns"), _API_NAME)


def api_service_answers() -> None:
    url = f"https://{_address_of('default', 'kubernetes')}/readyz"
    request(url, trust=Trust(_AUTHORITY), seconds=3).expected(url)


def wait_ready(
    wanted: Wanted,
    network_plugin_workload: str,
    target_groups: Sequence[str] = (),
    nodes_seconds: float = NODES_SECONDS,
    targets_seconds: float = TARGET_BECOMES_HEALTHY,
) -> None:
    """Raises Failure, after reporting nodes and pods.

    An API that answers through a load balancer is no proof: with no healthy target at all it sends to all of them.
    """
    try:
        wait_for_nodes(wanted, nodes_seconds)
        for workload in (network_plugin_workload, "kube-system/daemonset/kube-proxy", "kube-system/deployment/coredns"):
            wait_until(_WORKLOAD_SECONDS, f"{workload} to be available", partial(rolled_out, workload))
            log.report(f"{workload} is available")
        wait_until(_SERVICE_SECONDS, "cluster DNS to answer", dns_answers)
        wait_until(_SERVICE_SECONDS, "the Service of the API to answer", api_service_answers)
        if target_groups:
            what = "the load balancers to find each API server healthy"
            wait_until(targets_seconds, what, partial(check_used, target_groups), every=2)
            log.report("each API server is a healthy target of its load balancers")
    except Failure:
        report_evidence()
        raise
    log.report("cluster DNS and the Service of the API answer")


def report_evidence() -> None:
    """What nodes, pods and this machine's kubelet say."""
    kubectl = ["kubectl", "--kubeconfig", str(admin_kubectl.kubeconfig), "--request-timeout=10s", "get"]
    log.report("nodes and pods at the time of the failure:")
    for command in (
        [*kubectl, "nodes", "--output", "wide"],
        [*kubectl, "pods", "--all-namespaces", "--output", "wide"],
        ["journalctl", "--unit", "kubelet", "--lines", "15", "--no-pager", "--output", "cat"],
    ):
        if command[0] == "journalctl":
            log.report("the last lines of the kubelet's log on this machine:")
        try:
            log.write(run(command))
        except Failure as failure:
            log.report(str(failure))


def main(arguments: Sequence[str]) -> int:
    try:
        wanted = read_wanted(arguments)
    except ValueError as error:
        return usage(f"usage: quorate-node wait-ready [NODE...] [POOL:MINIMUM...]; {error}")
    return run_step("wait-ready", lambda: _work(wanted))


def _work(wanted: Wanted) -> None:
    values = read_environment("NETWORK_PLUGIN_WORKLOAD")
    wait_ready(wanted, values["NETWORK_PLUGIN_WORKLOAD"], values.get("TARGET_GROUPS", "").split())
