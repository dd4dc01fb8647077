"""`pulumi up` cut off five times while control planes and workers join: one more finishes by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cluster.conftest import Workspace, made_workspace
from tests.cluster.interruptions import ctrl_c, kill_9, logged_again
from tests.cluster.on_machines import machine_ids

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

STACK = "dev"
UP = ("up", "--yes", "--skip-preview", "--stack", STACK)
DESTROY = ("destroy", "--yes", "--skip-preview", "--stack", STACK)
PATIENCE_SECONDS = 1200

JOINS = "kubeadm join"
# From here on the new member is about to have a vote: of two members, both are needed for a quorum.
BECOMES_MEMBER = "Waiting for the new etcd member"
MOMENTS = (
    ("join-worker", JOINS, kill_9),
    ("configure-control-plane", BECOMES_MEMBER, kill_9),
    ("configure-control-plane", JOINS, ctrl_c),
    ("configure-control-plane", BECOMES_MEMBER, ctrl_c),
    ("apply-network-plugin", ".", kill_9),
)


@pytest.fixture(scope="module")
def stacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The dev stack with three control planes, which join one at a time since etcd is beside them."""
    with made_workspace(tmp_path_factory, STACK) as workspace:
        workspace.set("controlPlane", "count", 3)
        yield workspace


def nodes(workspace: Workspace) -> dict[str, bool]:
    """Whether each node is Ready, by name."""
    return {
        node["metadata"]["name"]: any(
            condition["type"] == "Ready" and condition["status"] == "True" for condition in node["status"]["conditions"]
        )
        for node in json.loads(workspace.kubectl("get", "nodes", "-o", "json"))["items"]
    }


def test_up_finishes_after_five_interruptions_of_joins(stacked: Workspace) -> None:
    for step, pattern, act in MOMENTS:
        outcome = stacked.interrupt(*UP, at=[(logged_again(step, pattern), act)], seconds=PATIENCE_SECONDS)
        assert outcome.returncode != 0, outcome.stdout
        print(f"{act.__name__} at {step}: {pattern!r}\n{outcome.stdout[-1500:]}")
        if act is kill_9:
            stacked.pulumi("cancel", "--yes", "--stack", STACK)
    stacked.pulumi(*UP)
    assert stacked.changes(*UP) == {}
    found = nodes(stacked)
    assert all(found.values()), found
    assert {"control-plane-0", "control-plane-1", "control-plane-2"} < found.keys()
    assert len(found) == len(machine_ids()) == 5
    assert "readyz check passed" in stacked.kubectl("get", "--raw", "/readyz?verbose")


def test_each_control_plane_is_a_voting_member_of_etcd_once(stacked: Workspace) -> None:
    listed = stacked.kubectl(
        "--namespace", "kube-system", "exec", "etcd-control-plane-0", "--", "etcdctl",
        "--cacert=/etc/kubernetes/pki/etcd/ca.crt", "--cert=/etc/kubernetes/pki/etcd/server.crt",
        "--key=/etc/kubernetes/pki/etcd/server.key", "member", "list", "--write-out=json",
    )  # fmt: skip
    members = json.loads(listed)["members"]
    assert sorted(member["name"] for member in members) == [f"control-plane-{number}" for number in range(3)]
    assert not any(member.get("isLearner") for member in members)


def test_destroy_leaves_nothing(stacked: Workspace) -> None:
    stacked.pulumi(*DESTROY)
    assert machine_ids() == []
