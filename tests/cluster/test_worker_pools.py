"""Pools of the dev stack while a workload runs: they grow, shrink, lose a machine, are joined by another, are rolled.

Each test begins with what the one before leaves.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cluster.account import account_client, fault, instance_ids
from tests.cluster.conftest import Workspace, made_workspace
from tests.cluster.on_machines import machine_ids, run_on
from tests.cluster.waiting import until
from tests.cluster.workload import (
    MAY_BE_AWAY,
    NAMESPACE,
    REPLICAS,
    apply,
    apply_workload,
    bare_pod,
    node_names,
    nodes_with_pods,
    pool_nodes_that_run,
    ready_nodes,
    recorded,
    spread_again,
)

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

STACK = "dev"
UP = ("up", "--yes", "--skip-preview", "--stack", STACK)
POOL = "general"
# With the other pool's one and the control plane these are 5,000 nodes.
MOST = 4998
GROUP = "aws:autoscaling/group:Group"
TAINT = {"key": "purpose", "value": "special", "effect": "NoSchedule"}
SPECIAL = {
    "name": "special",
    "instanceType": "t3.medium",
    "minimum": 1,
    "maximum": 1,
    "labels": {"purpose": "special"},
    "taints": [TAINT],
}


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with made_workspace(tmp_path_factory, STACK) as workspace:
        # Room for 5,000 nodes, which can only be said from the start.
        workspace.set("network", "podCidr", "10.128.0.0/9")
        workspace.pulumi(*UP)
        apply_workload(workspace)
        yield workspace


def set_pool(workspace: Workspace, **values: object) -> None:
    edit_pools(workspace, lambda pools: pools[0].update(values))


def edit_pools(workspace: Workspace, edit: Any) -> None:
    workspace.edit(lambda config: edit(config["quorate:workers"]))


def on_control_plane(workspace: Workspace, *command: str) -> str:
    (instance,) = instance_ids(workspace.environment)[f"{STACK}-control-plane-0"]
    outcome = run_on(instance, *command, seconds=120)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


def join_token(workspace: Workspace) -> str:
    """What a machine that joins now would read."""
    ssm = account_client(workspace.environment, "ssm")
    answer = ssm.get_parameter(Name=f"/quorate/{STACK}/workers/join", WithDecryption=True)
    return str(answer["Parameter"]["Value"])


def secret_of(token: str) -> str:
    return f"bootstrap-token-{token.split('.')[0]}"


def expiry_of(workspace: Workspace, token: str) -> datetime:
    found = workspace.kubectl(
        "-n", "kube-system", "get", "secret", secret_of(token), "-o", "go-template={{.data.expiration | base64decode}}"
    )
    return datetime.fromisoformat(found)


def accepts(workspace: Workspace, token: str) -> bool:
    """Whether the API knows who comes with a token. Anybody known may ask what they may do."""
    address = on_control_plane(workspace, "hostname", "--all-ip-addresses").split()[0]
    status = on_control_plane(
        workspace, "curl", "--silent", "--insecure", "--output", "/dev/null", "--write-out", "%{http_code}",
        "--header", f"Authorization: Bearer {token}", f"https://{address}:6443/api",
    )  # fmt: skip
    assert status in ("200", "401", "403"), status
    return status != "401"


def test_credentials_to_join_live_minutes_and_are_refused_once_expired(dev: Workspace) -> None:
    seen = join_token(dev)
    assert expiry_of(dev, seen) - datetime.now(UTC) <= timedelta(minutes=20)
    assert accepts(dev, seen)
    on_control_plane(dev, "systemctl", "start", "quorate-join-credentials.service")
    assert join_token(dev) != seen, "the control plane renews them"
    # What the clock would do: every credential from before has come to its end.
    past = (datetime.now(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    dev.kubectl(
        "-n",
        "kube-system",
        "patch",
        "secret",
        secret_of(seen),
        "--patch",
        json.dumps({"stringData": {"expiration": past}}),
    )
    until(lambda: not accepts(dev, seen), "an expired credential is refused", 60)
    assert accepts(dev, join_token(dev))


def test_machines_added_later_join_by_themselves_with_credentials_of_then(dev: Workspace) -> None:
    first = set(ready_nodes(dev, POOL))
    set_pool(dev, minimum=4)
    started = time.monotonic()
    done = dev.changes(*UP)
    print(f"from 2 to 4 workers: `pulumi up` took {time.monotonic() - started:.0f} s")
    assert set(done) == {"update"}, "two more machines are no more resources"
    ready = set(ready_nodes(dev, POOL))
    assert first < ready, "up returns when they are Ready, and those of before stay"
    assert len(ready) == 4
    spread_again(dev)
    assert nodes_with_pods(dev) == ready
    assert dev.changes(*UP) == {}


def test_workers_that_leave_are_drained_first_within_the_budget_and_their_nodes_go(dev: Workspace) -> None:
    before = set(ready_nodes(dev, POOL))
    assert nodes_with_pods(dev) == before, "else nothing would have to move"
    set_pool(dev, minimum=2, maximum=2)
    with recorded(dev, POOL) as record:
        started = time.monotonic()
        assert set(dev.changes(*UP)) == {"update"}
        until(lambda: len(node_names(dev)) == 3, "the two Nodes to be removed", 600)
        until(lambda: len(record.ended) == 2, "the two machines to end", 60)
        print(f"from 4 to 2 workers, until their Nodes were gone: {time.monotonic() - started:.0f} s")
    for node in record.ended:
        assert record.left[node] < record.ended[node], f"{node} ended with pods on it"
    assert record.fewest >= REPLICAS - MAY_BE_AWAY
    assert nodes_with_pods(dev) == set(ready_nodes(dev, POOL)) == before - set(record.ended)


def test_a_second_pool_gets_only_pods_that_tolerate_its_taint(dev: Workspace) -> None:
    edit_pools(dev, lambda pools: pools.append(SPECIAL))
    done = dev.changes(*UP)
    assert done.get("replace", 0) == done.get("delete", 0) == 0, done
    ((name, node),) = ready_nodes(dev, "special").items()
    assert node["metadata"]["labels"]["purpose"] == "special"
    assert TAINT in node["spec"]["taints"]
    wants_it = {"nodeSelector": {"purpose": "special"}}
    tolerates = {"tolerations": [{**TAINT, "operator": "Equal"}]}
    apply(dev, bare_pod("stranger", **wants_it), bare_pod("guest", **wants_it, **tolerates))
    dev.kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", "pod/guest", "--timeout=120s")

    def refused() -> str:
        unscheduled = 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}'
        return dev.kubectl("-n", NAMESPACE, "get", "pod", "stranger", "-o", unscheduled)

    assert "untolerated taint" in until(refused, "the scheduler's word on the stranger", 60)
    spread_again(dev)
    assert name not in nodes_with_pods(dev), "the emptiest node, and yet none of the workload lands on it"
    dev.kubectl("-n", NAMESPACE, "delete", "pod", "stranger", "guest", "--wait=false")


def test_a_killed_worker_is_replaced_by_its_group_and_the_workload_is_whole_again(dev: Workspace) -> None:
    before = set(ready_nodes(dev, POOL))
    killed = sorted(before)[0]
    with recorded(dev, POOL) as record:
        started = time.monotonic()
        fault("kill", killed.removeprefix(f"{POOL}-"))
        until(lambda: killed not in node_names(dev), "the old Node to be removed", 600)
        removed = time.monotonic() - started
        until(lambda: record.available[-1][1] == REPLICAS, "every replica to be available", 600)
        whole = time.monotonic() - started
        until(lambda: len(ready_nodes(dev, POOL)) == 2, "a new worker to be Ready", 600)
        replaced = time.monotonic() - started
    print(
        f"a worker killed: Node removed {removed:.0f} s, workload whole {whole:.0f} s, replaced {replaced:.0f} s later"
    )
    assert record.fewest < REPLICAS, "else no pod was on it"
    assert set(ready_nodes(dev, POOL)) & before == before - {killed}
    assert dev.changes(*UP) == {}, "the group did it; nothing is left for pulumi"


def test_a_maximum_of_thousands_is_an_update_of_the_group_and_nothing_else(dev: Workspace) -> None:
    kept = dev.stack_file.read_text()
    set_pool(dev, maximum=MOST)
    preview = json.loads(dev.pulumi("preview", "--json", "--stack", STACK).stdout)
    assert {op: n for op, n in preview["changeSummary"].items() if op != "same"} == {"update": 1}
    (step,) = (step for step in preview["steps"] if step["op"] == "update")
    assert step["newState"]["type"] == GROUP
    assert step["diffReasons"] == ["maxSize"]
    dev.stack_file.write_text(kept)


def test_a_changed_kubelet_setting_rolls_the_pool_machine_by_machine(dev: Workspace) -> None:
    before = set(ready_nodes(dev, POOL))
    # A worker that came in place of a killed one may have none.
    spread_again(dev)
    assert before <= nodes_with_pods(dev)
    dev.set("kubelet", "maxPods", 64)
    fewest_ready = len(before)

    def rolled() -> bool:
        nonlocal fewest_ready
        ready = ready_nodes(dev, POOL)
        fewest_ready = min(fewest_ready, len(ready))
        return len(ready) == 2 and not before & node_names(dev)

    with recorded(dev, POOL) as record:
        started = time.monotonic()
        done = dev.changes(*UP)
        assert "replace" not in done, done
        returned = time.monotonic() - started
        until(rolled, "both workers to be new", 900)
        print(f"pool rolled in {time.monotonic() - started:.0f} s; `pulumi up` returned after {returned:.0f} s")
    assert fewest_ready == 2, "a new worker comes before an old one goes"
    assert set(record.ended) == before
    for node in before:
        assert record.left[node] < record.ended[node], f"{node} ended with pods on it"
    assert record.fewest >= REPLICAS - MAY_BE_AWAY
    for rolled_node in ready_nodes(dev, POOL).values():
        assert rolled_node["status"]["allocatable"]["pods"] == "64"
    assert dev.changes(*UP) == {}


def test_a_pool_that_is_taken_out_of_the_stack_file_goes_with_its_nodes(dev: Workspace) -> None:
    until(lambda: len(ready_nodes(dev, "special")) == 1, "its machine to be rolled, too", 600)
    edit_pools(dev, lambda pools: pools.pop())
    assert dev.changes(*UP).get("delete"), "template, group, hook and pool"
    assert pool_nodes_that_run(dev, "special") == []
    until(lambda: not any(name.startswith("special-") for name in node_names(dev)), "its Node to be removed", 600)


def test_destroy_leaves_nothing(dev: Workspace) -> None:
    dev.pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK)
    assert machine_ids() == []
