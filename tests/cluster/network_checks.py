"""What every cluster's pod network must do, whichever plugin it has."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.cluster import pod_network
from tests.cluster.account import instances_by_address
from tests.cluster.conftest import Workspace
from tests.cluster.on_machines import run_on
from tests.cluster.pod_network import FRIEND, GUARDED, REACHED, STRANGER, TIMEOUT, UNRESOLVED, Pod, targets

# The VXLAN interface of each plugin; an outer Ethernet, IP, UDP and VXLAN header take 50 bytes of a packet.
_OVERLAY = {"flannel": "flannel.1", "calico": "vxlan.calico"}
_VXLAN_HEADER = 50
_LARGE = 20_000

Pods = Mapping[str, tuple[Pod, ...]]


def nodes_say_where_they_stand(workspace: Workspace) -> None:
    instances = instances_by_address(workspace.environment)
    for name, (address, labels) in pod_network.nodes(workspace).items():
        instance, zone = instances[address], instances[address]["Placement"]["AvailabilityZone"]
        assert labels["topology.kubernetes.io/zone"] == zone, name
        assert labels["topology.kubernetes.io/region"] == zone[:-1], name
        assert labels["node.kubernetes.io/instance-type"] == instance["InstanceType"], name
    assert pod_network.provider_ids(workspace) == {
        name: f"aws:///{instances[address]['Placement']['AvailabilityZone']}/{instances[address]['InstanceId']}"
        for name, (address, _) in pod_network.nodes(workspace).items()
    }


def cluster_dns_stands_in_two_zones(workspace: Workspace) -> None:
    nodes = pod_network.nodes(workspace)
    zones = {nodes[node][1]["topology.kubernetes.io/zone"] for node in pod_network.cluster_dns(workspace)}
    assert len(zones) == 2
    budgets = json.loads(workspace.kubectl("-n", "kube-system", "get", "pdb", "coredns", "-o", "json"))
    assert budgets["status"]["disruptionsAllowed"] == 1


def pods_of_every_pair_of_machines_talk(workspace: Workspace, pods: Pods) -> None:
    assert {pod.node for pod in pods[FRIEND]} == set(pod_network.nodes(workspace))
    pod_network.becomes(workspace, pods[STRANGER], targets(pods[FRIEND]), REACHED)


def names_resolve_from_every_machine(workspace: Workspace, pods: Pods) -> None:
    """By each pod of cluster DNS: names of the cluster, and what the VPC's resolver knows."""
    endpoint = json.loads(workspace.pulumi("stack", "output", "--json", "--stack", workspace.stack).stdout)
    asked = ["kubernetes.default.svc.cluster.local:443", f"{endpoint['apiEndpoint']}:6443"]
    asked += [f"{address}:53" for address in pod_network.cluster_dns(workspace).values()]
    pod_network.becomes(workspace, pods[FRIEND], asked, REACHED)


def packets_leave_room_for_their_header(workspace: Workspace, plugin: str, pods: Pods) -> None:
    """On the machines and in the pods; what is larger than a packet arrives on the next machine."""
    instances, nodes = instances_by_address(workspace.environment), pod_network.nodes(workspace)
    by_node = {pod.node: pod for pod in pods[FRIEND]}
    following = dict(zip(by_node, [*list(by_node)[1:], next(iter(by_node))], strict=True))
    for node, pod in by_node.items():
        instance = instances[nodes[node][0]]
        assert all(interface["SourceDestCheck"] for interface in instance["NetworkInterfaces"])
        links = json.loads(run_on(instance["InstanceId"], "ip", "-json", "link").stdout)
        mtu = {link["ifname"]: link["mtu"] for link in links}
        inside = workspace.kubectl("-n", pod.namespace, "exec", pod.name, "--", "cat", "/sys/class/net/eth0/mtu")
        print(f"{node}: {mtu['eth0']} outside, {mtu[_OVERLAY[plugin]]} in the tunnel, {inside.strip()} in a pod")
        assert mtu[_OVERLAY[plugin]] == int(inside) == mtu["eth0"] - _VXLAN_HEADER
        url = f"http://{by_node[following[node]].target}/echo?msg={'x' * _LARGE}"
        answer = run_on(instance["InstanceId"], "curl", "--silent", "--show-error", "--max-time", "10", url)
        assert (len(answer.stdout), answer.stderr) == (_LARGE, "")


def policies_block_what_they_should_and_only_that(workspace: Workspace, pods: Pods) -> None:
    friends, strangers, guarded = pods[FRIEND], pods[STRANGER], pods[GUARDED]
    pod_network.becomes(workspace, [*friends, *strangers], targets(guarded), REACHED)

    pod_network.restrict(workspace, "only-friends", pod_network.ONLY_FRIENDS)
    pod_network.becomes(workspace, strangers, targets(guarded), TIMEOUT)
    pod_network.becomes(workspace, friends, targets(guarded), REACHED)
    pod_network.becomes(workspace, guarded, targets(strangers), REACHED)

    pod_network.lift(workspace, "only-friends")
    pod_network.restrict(workspace, "deny-all", pod_network.DENY_ALL)
    pod_network.becomes(workspace, friends, [pod.target for pod in guarded], TIMEOUT)
    pod_network.becomes(workspace, guarded, [pod.target for pod in friends], TIMEOUT)
    pod_network.becomes(workspace, guarded, ["kubernetes.default.svc.cluster.local:443"], UNRESOLVED)
    pod_network.becomes(workspace, strangers, targets(friends), REACHED)
    # The kubelet's probes come from the machine itself: they must not count as blocked.
    workspace.kubectl("-n", GUARDED, "rollout", "status", f"daemonset/{GUARDED}", "--timeout=10s")

    pod_network.lift(workspace, "deny-all")
    pod_network.becomes(workspace, [*friends, *strangers], targets(guarded), REACHED)


def policies_are_not_enforced(workspace: Workspace, pods: Pods) -> None:
    pod_network.restrict(workspace, "deny-all", pod_network.DENY_ALL)
    seen = pod_network.reach(workspace, [*pods[FRIEND], *pods[STRANGER]], targets(pods[GUARDED]))
    assert set(seen.values()) == {REACHED}
    pod_network.lift(workspace, "deny-all")


def calico_writes_its_rules_where_kube_proxy_does(workspace: Workspace) -> None:
    """On every machine with pods: both have a table of nftables, and Calico has left nothing in those of iptables."""
    instances = instances_by_address(workspace.environment)
    for name, (address, _) in pod_network.nodes(workspace).items():
        machine = instances[address]["InstanceId"]
        tables = run_on(machine, "nft", "list", "tables").stdout.splitlines()
        assert {"table ip calico", "table ip kube-proxy"} <= {line.strip() for line in tables}, name
        assert "cali-" not in run_on(machine, "iptables-save").stdout, name


def calico_is_refused_nothing(workspace: Workspace) -> None:
    """Whoever may not list what it watches asks again every few seconds, and says so each time."""
    for selector in ("k8s-app=calico-node", "k8s-app=calico-kube-controllers"):
        recent = ("--all-containers", "--prefix", "--tail=-1", "--since=60s")
        said = workspace.kubectl("-n", "kube-system", "logs", "--selector", selector, *recent)
        assert [line for line in said.splitlines() if "forbidden" in line] == []
