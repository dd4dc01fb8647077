"""A cluster of three members goes back to a snapshot by one command: what was written or deleted since is as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from components.delivery.node_files import PROGRAM
from components.node.restore.record import RECORD
from tests.cluster.prod_cluster import CONTROL_PLANES, MEMBERS, UP, ProdCluster, made_prod
from tests.cluster.restoring import SINCE, Objects, Restoring
from tests.cluster.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

WELL = "every node Ready, every target healthy, every member well"


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProdCluster]:
    with made_prod(tmp_path_factory) as made:
        Restoring(made.workspace).fill()
        yield made


@pytest.fixture
def restoring(prod: ProdCluster) -> Restoring:
    until(prod.is_well, WELL, 300)
    return Restoring(prod.workspace)


def snapshot(prod: ProdCluster) -> str:
    """The id of one that is taken now."""
    print(prod.run(MEMBERS[0], f"{PROGRAM} take-snapshot --now 2>&1", seconds=300))
    outcome = json.loads(prod.run(MEMBERS[0], "cat /var/lib/quorate/snapshot.json"))
    return str(outcome["lastSuccess"]["id"])


def assert_as_before(prod: ProdCluster, before: Objects) -> None:
    Restoring(prod.workspace).assert_as_before(before)
    until(prod.is_well, WELL, 600)
    assert len(prod.hashes()) == 1
    for name in (*MEMBERS, *CONTROL_PLANES):
        assert prod.run(name, f"ls {RECORD} 2>/dev/null || true") == "", f"{name} believes that a restore is under way"


def test_all_objects_are_as_they_were_when_the_snapshot_was_taken(prod: ProdCluster, restoring: Restoring) -> None:
    before, ids = restoring.objects(), prod.member_ids()
    taken = snapshot(prod)
    restoring.go_on()
    kubectl = prod.workspace.kubectl
    kubectl("delete", "namespace", "shop")
    assert "is back at" in restoring.restore("--snapshot", taken)
    assert_as_before(prod, before)
    assert not set(prod.member_ids().values()) & set(ids.values())
    # Whoever watches from before must list all again, and does: so a pod is made and runs, and ends.
    kubectl("create", "deployment", "web", "-n", "shop", "--image=registry.k8s.io/pause:3.10.2")
    kubectl("rollout", "status", "deployment/web", "-n", "shop", "--timeout=120s")
    kubectl("delete", "deployment", "web", "-n", "shop")
    kubectl("wait", "--for=delete", "pods", "--all", "-n", "shop", "--timeout=120s")


def test_the_next_update_finds_nothing_to_do(prod: ProdCluster) -> None:
    assert prod.workspace.changes(*UP) == {}


def test_members_that_have_all_lost_their_data_get_it_back(prod: ProdCluster, restoring: Restoring) -> None:
    before, taken = restoring.objects(), snapshot(prod)
    restoring.go_on()
    for name in MEMBERS:
        prod.run(name, "systemctl kill --signal=KILL etcd; systemctl stop etcd; rm -rf /var/lib/etcd/*")
    assert "no member of etcd serves" in restoring.restore("--snapshot", taken)
    assert_as_before(prod, before)
    assert prod.workspace.changes(*UP) == {}


@pytest.mark.parametrize(
    "step", ["restore the snapshot beside the data", "exchange the data of all members", "start API servers"]
)
def test_a_restore_that_is_interrupted_goes_on_when_it_is_called_again(
    prod: ProdCluster, restoring: Restoring, step: str
) -> None:
    before, taken = restoring.objects(), snapshot(prod)
    restoring.go_on()
    restoring.interrupt(step, "--snapshot", taken)
    assert "going on with the restore of" in restoring.restore()
    assert_as_before(prod, before)


def test_a_restore_that_is_interrupted_goes_back_by_one_command(prod: ProdCluster, restoring: Restoring) -> None:
    taken = snapshot(prod)
    restoring.go_on()
    before = restoring.objects()
    restoring.interrupt("exchange the data of all members", "--snapshot", taken)
    restoring.restore("--undo")
    assert_as_before(prod, before)
    prod.workspace.kubectl("delete", "namespace", SINCE)
    prod.workspace.kubectl("create", "configmap", "order-8", "-n", "shop", "--from-literal=number=8")


def test_what_a_restore_has_set_aside_can_be_taken_again_after_it_has_served(
    prod: ProdCluster, restoring: Restoring
) -> None:
    taken = snapshot(prod)
    restoring.go_on()
    before = restoring.objects()
    restoring.restore("--snapshot", taken)
    assert ("namespaces", "", SINCE) not in restoring.objects()
    restoring.restore("--undo")
    assert_as_before(prod, before)
    assert prod.workspace.changes(*UP) == {}
