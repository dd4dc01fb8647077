"""A cluster of three members goes back to a snapshot by one command: what was written or deleted since is as it was."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.delivery.node_files import PROGRAM
from components.node.restore.record import RECORD
from tests.cluster.prod_cluster import CONTROL_PLANES, MEMBERS, STACK, UP, ProdCluster, made_prod
from tests.cluster.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

# What people and controllers wrote, and nothing rewrites from time to time.
KINDS = (
    "namespaces", "configmaps", "secrets", "services", "serviceaccounts", "deployments", "daemonsets", "roles",
    "rolebindings", "clusterroles", "clusterrolebindings", "customresourcedefinitions", "priorityclasses",
    "storageclasses", "networkpolicies", "ippools.crd.projectcalico.org", "felixconfigurations.crd.projectcalico.org",
)  # fmt: skip
OF_THE_MOMENT = ("resourceVersion", "managedFields", "generation", "annotations")
RESTORE_SECONDS = 1200
SINCE = "since-the-snapshot"
Objects = Mapping[tuple[str, str, str], Any]


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProdCluster]:
    with made_prod(tmp_path_factory) as made:
        made.workspace.kubectl("create", "namespace", "shop")
        for n in range(50):
            made.workspace.kubectl("create", "configmap", f"order-{n}", "-n", "shop", f"--from-literal=number={n}")
        made.workspace.kubectl("create", "secret", "generic", "till", "-n", "shop", "--from-literal=pin=4711")
        yield made


@pytest.fixture(autouse=True)
def everything_is_well(prod: ProdCluster) -> None:
    until(prod.is_well, "every node Ready, every target healthy, every member well", 300)


def objects(prod: ProdCluster) -> Objects:
    found = {}
    for kind in KINDS:
        for each in json.loads(prod.workspace.kubectl("get", kind, "--all-namespaces", "-o", "json"))["items"]:
            metadata = each["metadata"]
            # The token to join is a new one every eight minutes.
            if not metadata["name"].startswith("bootstrap-token-"):
                kept = {key: value for key, value in metadata.items() if key not in OF_THE_MOMENT}
                content = {key: value for key, value in each.items() if key not in ("metadata", "status")}
                found[kind, metadata.get("namespace", ""), metadata["name"]] = (kept, content)
    return found


def snapshot(prod: ProdCluster) -> str:
    """The id of one that is taken now."""
    print(prod.run(MEMBERS[0], f"{PROGRAM} take-snapshot --now 2>&1", seconds=300))
    outcome = json.loads(prod.run(MEMBERS[0], "cat /var/lib/quorate/snapshot.json"))
    return str(outcome["lastSuccess"]["id"])


def go_on(prod: ProdCluster) -> None:
    """What happens after a snapshot: objects come, change and go."""
    kubectl = prod.workspace.kubectl
    kubectl("create", "namespace", SINCE)
    kubectl("create", "configmap", "new", "-n", SINCE, "--from-literal=a=b")
    kubectl("patch", "configmap", "order-7", "-n", "shop", "--patch", '{"data": {"number": "changed"}}')
    kubectl("delete", "configmap", "order-8", "-n", "shop")


def command(*arguments: str) -> list[str]:
    return [".venv/bin/python", "-m", "operations", "restore", "--stack", STACK, "--yes", STACK, *arguments]


def restore(prod: ProdCluster, *arguments: str) -> str:
    """What it says. Fails where it fails."""
    begun = time.monotonic()
    outcome = subprocess.run(
        command(*arguments),
        cwd=prod.workspace.folder, env=prod.workspace.environment, capture_output=True, text=True,
        timeout=RESTORE_SECONDS,
    )  # fmt: skip
    print(outcome.stdout, f"restore {' '.join(arguments)}: {time.monotonic() - begun:.1f} s", sep="\n")
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


def interrupt_restore(prod: ProdCluster, step: str, *arguments: str) -> None:
    """Ends it as a person does, once it has begun a step."""
    printed = prod.workspace.folder / "restore.log"
    with printed.open("wb") as log:
        process = subprocess.Popen(
            command(*arguments),
            cwd=prod.workspace.folder, env=prod.workspace.environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            until(lambda: step in printed.read_text() or process.poll() is not None, step, 600)
            assert process.poll() is None, printed.read_text()
            process.send_signal(signal.SIGINT)
            process.wait(60)
        finally:
            process.kill()
    print(printed.read_text())
    assert process.returncode != 0


def assert_as_before(prod: ProdCluster, before: Objects) -> None:
    after = objects(prod)
    lost, more = before.keys() - after.keys(), after.keys() - before.keys()
    changed = {key for key in before.keys() & after.keys() if before[key] != after[key]}
    assert (lost, more, changed) == (set(), set(), set())
    until(prod.is_well, "every node Ready, every target healthy, every member well", 600)
    assert len(prod.hashes()) == 1
    for name in (*MEMBERS, *CONTROL_PLANES):
        assert prod.run(name, f"ls {RECORD} 2>/dev/null || true") == "", f"{name} believes that a restore is under way"


def test_all_objects_are_as_they_were_when_the_snapshot_was_taken(prod: ProdCluster) -> None:
    before, ids = objects(prod), prod.member_ids()
    taken = snapshot(prod)
    go_on(prod)
    prod.workspace.kubectl("delete", "namespace", "shop")
    said = restore(prod, "--snapshot", taken)
    assert "is back at" in said
    assert_as_before(prod, before)
    assert not set(prod.member_ids().values()) & set(ids.values())
    # Whoever watches from before must list all again, and does: so a pod is made and runs.
    prod.workspace.kubectl("create", "deployment", "web", "-n", "shop", "--image=registry.k8s.io/pause:3.10.2")
    prod.workspace.kubectl("rollout", "status", "deployment/web", "-n", "shop", "--timeout=120s")
    prod.workspace.kubectl("delete", "deployment", "web", "-n", "shop")


def test_the_next_update_finds_nothing_to_do(prod: ProdCluster) -> None:
    assert prod.workspace.changes(*UP) == {}


def test_members_that_have_all_lost_their_data_get_it_back(prod: ProdCluster) -> None:
    before, taken = objects(prod), snapshot(prod)
    go_on(prod)
    for name in MEMBERS:
        prod.run(name, "systemctl kill --signal=KILL etcd; systemctl stop etcd; rm -rf /var/lib/etcd/*")
    said = restore(prod, "--snapshot", taken)
    assert "no member of etcd serves" in said
    assert_as_before(prod, before)
    assert prod.workspace.changes(*UP) == {}


@pytest.mark.parametrize(
    "step",
    ["restore the snapshot beside the data", "exchange the data of all members", "start API servers"],
)
def test_a_restore_that_is_interrupted_goes_on_when_it_is_called_again(prod: ProdCluster, step: str) -> None:
    before, taken = objects(prod), snapshot(prod)
    go_on(prod)
    interrupt_restore(prod, step, "--snapshot", taken)
    said = restore(prod)
    assert "going on with the restore of" in said
    assert_as_before(prod, before)


def test_a_restore_that_is_interrupted_goes_back_by_one_command(prod: ProdCluster) -> None:
    taken = snapshot(prod)
    go_on(prod)
    before = objects(prod)
    interrupt_restore(prod, "exchange the data of all members", "--snapshot", taken)
    restore(prod, "--undo")
    assert_as_before(prod, before)
    prod.workspace.kubectl("delete", "namespace", SINCE)


def test_what_a_restore_has_set_aside_can_be_taken_again_after_it_has_served(prod: ProdCluster) -> None:
    taken = snapshot(prod)
    go_on(prod)
    before = objects(prod)
    restore(prod, "--snapshot", taken)
    assert ("namespaces", "", SINCE) not in objects(prod)
    restore(prod, "--undo")
    assert_as_before(prod, before)
    assert prod.workspace.changes(*UP) == {}
