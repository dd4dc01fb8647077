"""Both stacks with the plugin and the place of etcd that they don't ship with: one cluster after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cluster import network_checks, pod_network
from tests.cluster.account import holdings
from tests.cluster.conftest import Workspace, made_workspace
from tests.cluster.on_machines import left_on_the_host

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

CALICO = {"name": "calico", "version": "3.31.0"}
FLANNEL = {"name": "flannel", "version": "0.28.4"}
STACKED = {"topology": "stacked", "volumeGib": 20}
# Control-plane machines are nodes, too: one worker beside them is enough to see that workers are no different.
ONE_WORKER = [{"name": "general", "instanceType": "t3.large", "minimum": 1, "maximum": 3}]


@dataclass(frozen=True)
class Variant:
    """A shipped stack and what differs from it, by group of settings."""

    stack: str
    differences: dict[str, Any]

    @property
    def plugin(self) -> str:
        return str(self.differences.get("networkPlugin", FLANNEL)["name"])


VARIANTS = {
    "dev-flannel": Variant("dev", {}),
    "dev-calico": Variant("dev", {"networkPlugin": CALICO}),
    "prod-flannel": Variant("prod", {"networkPlugin": FLANNEL, "workers": ONE_WORKER}),
    "prod-calico-stacked": Variant("prod", {"networkPlugin": CALICO, "workers": ONE_WORKER, "etcd": STACKED}),
    "prod-flannel-stacked": Variant("prod", {"networkPlugin": FLANNEL, "workers": ONE_WORKER, "etcd": STACKED}),
}


@dataclass
class Cluster:
    """A cluster that is up, pods on each of its machines, and what its account held before."""

    workspace: Workspace
    variant: Variant
    held_before: dict[str, list[str]]
    pods: dict[str, tuple[pod_network.Pod, ...]]

    def up(self) -> dict[str, int]:
        return self.workspace.changes("up", "--yes", "--skip-preview", "--stack", self.variant.stack)


@pytest.fixture(scope="module", params=VARIANTS)
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    variant = VARIANTS[request.param]
    with made_workspace(tmp_path_factory, variant.stack) as workspace:
        workspace.replace(variant.differences)
        workspace.set("etcd", "protectVolumes", False)
        made = Cluster(workspace, variant, holdings(workspace.environment), {})
        started = time.monotonic()
        made.up()
        print(f"{request.param}: pulumi up took {time.monotonic() - started:.0f} s")
        made.pods = pod_network.deploy(workspace)
        print(f"{request.param}: {len(pod_network.nodes(workspace))} nodes")
        yield made


def test_nodes_say_where_they_stand(cluster: Cluster) -> None:
    network_checks.nodes_say_where_they_stand(cluster.workspace)


def test_cluster_dns_stands_in_two_zones(cluster: Cluster) -> None:
    network_checks.cluster_dns_stands_in_two_zones(cluster.workspace)


def test_pods_of_every_pair_of_machines_talk_directly_and_through_a_service(cluster: Cluster) -> None:
    network_checks.pods_of_every_pair_of_machines_talk(cluster.workspace, cluster.pods)


def test_names_resolve_from_every_machine(cluster: Cluster) -> None:
    network_checks.names_resolve_from_every_machine(cluster.workspace, cluster.pods)


def test_packets_leave_room_for_their_header(cluster: Cluster) -> None:
    network_checks.packets_leave_room_for_their_header(cluster.workspace, cluster.variant.plugin, cluster.pods)


def test_policies_block_what_they_should_and_only_that_with_calico_and_nothing_with_flannel(cluster: Cluster) -> None:
    if cluster.variant.plugin == "calico":
        network_checks.policies_block_what_they_should_and_only_that(cluster.workspace, cluster.pods)
    else:
        network_checks.policies_are_not_enforced(cluster.workspace, cluster.pods)


def test_calico_writes_its_rules_where_kube_proxy_does_and_is_refused_nothing(cluster: Cluster) -> None:
    if cluster.variant.plugin != "calico":
        pytest.skip("Flannel has few rules, which name its own tables")
    network_checks.calico_writes_its_rules_where_kube_proxy_does(cluster.workspace)
    network_checks.calico_is_refused_nothing(cluster.workspace)


def test_the_api_is_ready(cluster: Cluster) -> None:
    assert "readyz check passed" in cluster.workspace.kubectl("get", "--raw", "/readyz?verbose")


def test_a_second_up_changes_nothing(cluster: Cluster) -> None:
    started = time.monotonic()
    assert cluster.up() == {}
    print(f"second up: {time.monotonic() - started:.0f} s")


def test_destroy_leaves_nothing(cluster: Cluster) -> None:
    started = time.monotonic()
    cluster.workspace.pulumi("destroy", "--yes", "--skip-preview", "--stack", cluster.variant.stack)
    print(f"destroy: {time.monotonic() - started:.0f} s")
    assert holdings(cluster.workspace.environment) == cluster.held_before
    assert not any(left_on_the_host().values())
