"""The prod stack, unchanged: three zones, external etcd, a load balancer, Calico."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator

import pytest

from components.delivery.node_files import PROGRAM
from tests.cluster import network_checks, pod_network
from tests.cluster.account import account_client, holdings
from tests.cluster.conftest import Workspace, made_workspace
from tests.cluster.on_machines import machine_ids
from tests.cluster.prod_cluster import DESTROY, MEMBERS, STACK, UP, ProdCluster, every_node_is_ready

pytestmark = [pytest.mark.cluster, pytest.mark.drill]


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with made_workspace(tmp_path_factory, STACK) as workspace:
        yield workspace


@pytest.fixture(scope="module", autouse=True)
def held_before(prod: Workspace) -> dict[str, list[str]]:
    return holdings(prod.environment)


def test_up_ends_with_every_node_ready_in_three_zones(prod: Workspace) -> None:
    started = time.monotonic()
    prod.pulumi(*UP)
    print(f"pulumi up --stack prod took {time.monotonic() - started:.0f} s")
    every_node_is_ready(prod)
    # Three etcd members and a bastion are machines without a node.
    assert len(machine_ids()) == 10


def test_a_tool_that_drops_the_certificates_name_verifies_the_api_by_its_address(prod: Workspace) -> None:
    """As kubectl does as soon as it is given another server."""
    address = prod.pulumi("stack", "output", "apiAddress", "--stack", "prod").stdout.strip()
    assert address.endswith(".amazonaws.com")
    assert prod.kubectl("--server", f"https://{address}:6443", "get", "--raw", "/readyz") == "ok"


@pytest.fixture(scope="module")
def pods(prod: Workspace) -> dict[str, tuple[pod_network.Pod, ...]]:
    return pod_network.deploy(prod)


def test_nodes_say_where_they_stand_and_cluster_dns_stands_in_two_zones(prod: Workspace) -> None:
    network_checks.nodes_say_where_they_stand(prod)
    network_checks.cluster_dns_stands_in_two_zones(prod)


def test_pods_of_every_pair_of_machines_talk_and_names_resolve(
    prod: Workspace, pods: dict[str, tuple[pod_network.Pod, ...]]
) -> None:
    network_checks.pods_of_every_pair_of_machines_talk(prod, pods)
    network_checks.names_resolve_from_every_machine(prod, pods)
    network_checks.packets_leave_room_for_their_header(prod, "calico", pods)


def test_policies_block_what_they_should_and_only_that(
    prod: Workspace, pods: dict[str, tuple[pod_network.Pod, ...]]
) -> None:
    network_checks.policies_block_what_they_should_and_only_that(prod, pods)


def test_calico_writes_its_rules_where_kube_proxy_does_and_is_refused_nothing(prod: Workspace) -> None:
    network_checks.calico_writes_its_rules_where_kube_proxy_does(prod)
    network_checks.calico_is_refused_nothing(prod)


def test_a_second_up_changes_nothing(prod: Workspace) -> None:
    started = time.monotonic()
    assert prod.changes(*UP) == {}
    assert time.monotonic() - started < 60


def test_refresh_finds_no_drift(prod: Workspace) -> None:
    assert prod.changes("refresh", "--yes", "--skip-preview", "--stack", STACK) == {}


def test_a_snapshot_lies_in_the_bucket_once_it_was_restored_and_compared_with_all_members(prod: Workspace) -> None:
    cluster, take = ProdCluster(prod), f"{PROGRAM} take-snapshot"
    # The timer may have been first.
    print(cluster.run(MEMBERS[1], f"{take} --now 2>&1", seconds=300))
    store = json.loads(prod.pulumi("stack", "output", "snapshots", "--json", "--stack", STACK).stdout)
    storage = account_client(prod.environment, "s3")

    def content(key: str) -> bytes:
        return bytes(storage.get_object(Bucket=store["bucket"], Key=key)["Body"].read())

    def manifests() -> list[str]:
        listed = storage.list_objects_v2(Bucket=store["bucket"])["Contents"]
        return sorted(each["Key"] for each in listed if each["Key"].endswith("/manifest.json"))

    found = {key: json.loads(content(key)) for key in manifests()}
    key, manifest = next((key, each) for key, each in found.items() if each["machine"] == "etcd-1")
    assert hashlib.sha256(content(key.replace("manifest.json", "etcd.db"))).hexdigest() == manifest["sha256"]
    assert len(manifest["compared_with"]) == len(MEMBERS)
    assert manifest["keys"] > 100
    assert manifest["secrets_keys"], "which key a restore needs"
    cluster.run(MEMBERS[2], f"{take} 2>&1", seconds=60)
    assert manifests() == list(found), "the next one is not due"


def test_without_protection_destroy_leaves_nothing(prod: Workspace, held_before: dict[str, list[str]]) -> None:
    prod.set("etcd", "protectVolumes", False)
    prod.pulumi(*UP)
    prod.pulumi(*DESTROY)
    assert machine_ids() == []
    assert holdings(prod.environment) == held_before
