"""A living cluster of the release before is taken over by this program. The tests build on each other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.cluster.account import account_client, holdings, instance_ids
from tests.cluster.availability import NAMESPACE, Seen, watched
from tests.cluster.bounds import FAILURES_AT_RETURN, QUIET_SECONDS
from tests.cluster.conftest import Workspace, made_workspace
from tests.cluster.on_machines import processes
from tests.cluster.previous_release import PreviousRelease, assert_kept_scripts_are_its_own, check_out
from tests.cluster.prod_cluster import ProdCluster
from tests.cluster.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

WELL_SECONDS = 120
ARGUMENT = "max-requests-inflight"
# Operations of a preview after which a resource is the one that it was, or one more.
KEEPING = {"same", "update", "create", "read"}
# What a command has done on a machine stays when the command goes: it is not undone, and nothing is served by it.
ONLY_RAN = ("command:remote:Command", "command:local:Command")


@dataclass(frozen=True)
class Variant:
    """`differences`: these settings in place of the stack's, by group.

    `client`: Name tag of machines, on one of which a client runs.
    """

    stack: str
    client: str
    differences: Mapping[str, Any] = field(default_factory=dict)


# That release's Calico (any 3.32) may not list what it lists at its start: none of its nodes was ever Ready.
_NOT_CALICO = {"networkPlugin": {"name": "flannel", "version": "0.28.4"}}
VARIANTS = {
    "education": Variant("education", "education-control-plane-0"),
    "dev": Variant("dev", "dev-general"),
    "prod-external": Variant("prod", "prod-general", _NOT_CALICO),
    "prod-stacked": Variant(
        "prod", "prod-general", {**_NOT_CALICO, "etcd": {"topology": "stacked", "protectVolumes": True}}
    ),
}


@dataclass(frozen=True)
class Living:
    """A cluster that the release before has made and changed.

    `allowed` are the seconds that clients failed at most, by place, while that changed an argument of the API servers.
    `nodes` are uids by name, `processes` those of machines' inits by instance id; `refreshes` the instance refreshes of
    its workers.
    """

    workspace: Workspace
    client: str
    held_at_first: Mapping[str, list[str]]
    held: Mapping[str, list[str]]
    nodes: Mapping[str, str]
    processes: Mapping[str, int | None]
    refreshes: frozenset[str]
    allowed: Mapping[str, int]

    @property
    def up(self) -> tuple[str, ...]:
        return up(self.workspace)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> PreviousRelease:
    return check_out(tmp_path_factory.mktemp("previous-release"))


@pytest.fixture(scope="module", params=VARIANTS)
def living(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, release: PreviousRelease
) -> Iterator[Living]:
    variant = VARIANTS[request.param]
    with made_workspace(tmp_path_factory, variant.stack) as workspace:
        held_at_first = holdings(workspace.environment)
        earlier = release.workspace(workspace)
        if variant.differences:
            earlier.replace(variant.differences)
        earlier.pulumi(*up(earlier))
        # One stack file for both, as it is the operator's; with the salt that Pulumi has put in it.
        shutil.copy(earlier.stack_file, workspace.stack_file)
        client = instance_ids(workspace.environment)[variant.client][0]
        workspace.kubectl("create", "namespace", NAMESPACE)
        workspace.kubectl("create", "secret", "generic", "kept", "--from-literal=word=before")
        cost = changed_argument(earlier, client, "350")
        shutil.copy(earlier.stack_file, workspace.stack_file)
        yield Living(
            workspace,
            client,
            held_at_first,
            holdings(workspace.environment),
            node_uids(workspace),
            processes(),
            refreshes(workspace),
            # With a load balancer a restart was measured to cost 0 to 2 s.
            {place: max(len(seen.failed), FAILURES_AT_RETURN) for place, seen in cost.items()},
        )


def up(workspace: Workspace) -> tuple[str, ...]:
    return ("up", "--yes", "--skip-preview", "--stack", workspace.stack)


def changed_argument(workspace: Workspace, client: str, value: str) -> Mapping[str, Seen]:
    """What clients saw of an `up` with another argument of the API servers."""
    workspace.set("controlPlane", "apiServerArguments", {ARGUMENT: value})
    with watched(workspace, client) as watch:
        with watch.making():
            done = workspace.changes(*up(workspace))
        seen = watch.until_well(QUIET_SECONDS, WELL_SECONDS)
    assert set(done) <= {"create", "update"}, done
    until(lambda: api_servers_have(workspace, value), f"every API server has {ARGUMENT}={value}", WELL_SECONDS)
    report("an argument of the API servers changed", seen)
    return seen


def api_servers_have(workspace: Workspace, value: str) -> bool:
    selected = ("-n", "kube-system", "get", "pods", "-l", "component=kube-apiserver", "-o", "json")
    pods = json.loads(workspace.kubectl(*selected))["items"]
    return bool(pods) and all(f"--{ARGUMENT}={value}" in pod["spec"]["containers"][0]["command"] for pod in pods)


def node_uids(workspace: Workspace) -> dict[str, str]:
    nodes = json.loads(workspace.kubectl("get", "nodes", "-o", "json"))["items"]
    return {node["metadata"]["name"]: node["metadata"]["uid"] for node in nodes}


def refreshes(workspace: Workspace) -> frozenset[str]:
    scaling = account_client(workspace.environment, "autoscaling")
    return frozenset(
        found["InstanceRefreshId"]
        for group in scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        for found in scaling.describe_instance_refreshes(AutoScalingGroupName=group["AutoScalingGroupName"])[
            "InstanceRefreshes"
        ]
    )


def report(what: str, seen: Mapping[str, Seen]) -> None:
    print(f"{what}: " + "; ".join(f"{place} failed {each}" for place, each in seen.items()))


def assert_nothing_went(living: Living) -> None:
    """Machines, disks, addresses, load balancers and groups are the same, and so are the Nodes."""
    assert holdings(living.workspace.environment) == living.held
    assert processes() == living.processes, "a machine was restarted"
    assert node_uids(living.workspace) == living.nodes
    assert refreshes(living.workspace) == living.refreshes, "workers are being replaced"
    assert living.workspace.kubectl("get", "secret", "kept", "-o", "jsonpath={.data.word}") == "YmVmb3Jl"


def test_what_stands_for_the_release_before_offline_is_its_own(release: PreviousRelease) -> None:
    assert_kept_scripts_are_its_own(release)


def test_preview_replaces_and_deletes_nothing(living: Living) -> None:
    previewed = living.workspace.pulumi("preview", "--json", "--show-sames", "--stack", living.workspace.stack)
    answer = json.loads(previewed.stdout)
    steps = answer["steps"]
    assert steps
    warnings = [told["message"] for told in answer.get("diagnostics", []) if told["severity"] in ("warning", "error")]
    assert warnings == [], "the state's record of the cluster, for example, must stay readable"
    changed = [f"{step['op']} {step['urn']}" for step in steps if step["op"] != "same"]
    print("\n".join(["preview:", *changed]))
    assert [
        f"{step['op']} {step['urn']}: {step.get('replaceReasons')}"
        for step in steps
        if step["op"] not in KEEPING and step.get("oldState", {}).get("type") not in ONLY_RAN
    ] == []


def test_up_takes_it_over_under_clients_that_write(living: Living) -> None:
    with watched(living.workspace, living.client) as watch:
        with watch.making():
            done = living.workspace.changes(*living.up)
        seen = watch.until_well(QUIET_SECONDS, WELL_SECONDS)
    report(f"taken over ({done}), at most {living.allowed} allowed", seen)
    too_many = {place: each.failed for place, each in seen.items() if len(each.failed) > living.allowed[place]}
    assert too_many == {}, f"made at {next(iter(seen.values())).made:.0f}"
    ProdCluster(living.workspace).assert_nothing_is_lost(watch)
    assert_nothing_went(living)


def test_a_second_up_changes_nothing(living: Living) -> None:
    assert living.workspace.changes(*living.up) == {}


def test_an_argument_can_be_changed_afterwards(living: Living) -> None:
    changed_argument(living.workspace, living.client, "360")
    assert_nothing_went(living)


def test_a_worker_that_comes_later_joins_those_that_are_there(living: Living) -> None:
    def one_more(config: dict[str, Any]) -> None:
        config["quorate:workers"][0]["minimum"] += 1

    workspace, before = living.workspace, set(living.held["instances"])
    if living.client not in instance_ids(workspace.environment).get(f"{workspace.stack}-general", []):
        pytest.skip("it has no workers")
    workspace.edit(one_more)
    # It returns when the expected number is Ready.
    workspace.pulumi(*living.up)
    instances = set(holdings(workspace.environment)["instances"])
    assert before < instances
    assert len(instances) == len(before) + 1
    assert living.nodes.items() < node_uids(workspace).items()


def test_destroy_leaves_nothing(living: Living) -> None:
    living.workspace.set("etcd", "protectVolumes", False)
    living.workspace.pulumi(*living.up)
    living.workspace.pulumi("destroy", "--yes", "--skip-preview", "--stack", living.workspace.stack)
    assert holdings(living.workspace.environment) == living.held_at_first
