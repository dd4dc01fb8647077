"""`pulumi up` cut off again and again while control planes and workers join: one more finishes by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

from tests.cluster.account import account_client
from tests.cluster.conftest import Workspace, made_workspace
from tests.cluster.interruptions import Act, ctrl_c, kill_9, logged_again
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
    ("configure-control-plane", JOINS),
    ("configure-control-plane", BECOMES_MEMBER),
    ("join-worker", JOINS),
    ("apply-network-plugin", "."),
)
FEWEST_INTERRUPTIONS = 3


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


def interrupted_at_one_of(workspace: Workspace, moments: Sequence[tuple[str, str]], act: Act) -> tuple[str, str] | None:
    """Runs `up` and cuts it off at whichever of `moments` comes first; None where it ended well before any came.

    Machines go on joining after a run was killed, so no order of moments holds.
    """
    came: list[tuple[str, str]] = []
    watched = {moment: logged_again(*moment) for moment in moments}

    def one_has_come(text: str) -> bool:
        came.extend(moment for moment, has_come in watched.items() if has_come(text))
        return bool(came)

    outcome = workspace.interrupt(*UP, at=[(one_has_come, act)], seconds=PATIENCE_SECONDS, may_finish=True)
    print(f"{act.__name__} at {came}: exit {outcome.returncode}\n{outcome.stdout[-1500:]}")
    assert (outcome.returncode == 0) == (not came), outcome.stdout
    if came and act is kill_9:
        workspace.pulumi("cancel", "--yes", "--stack", STACK)
        delete_load_balancers_unknown_to_the_state(workspace)
    return came[0] if came else None


def delete_load_balancers_unknown_to_the_state(workspace: Workspace) -> None:
    """Those that AWS had begun to make for a run that was killed: their names are taken, and nothing uses them yet."""
    for pending in workspace.state()["deployment"].get("pending_operations") or ():
        made = pending["resource"]
        if pending["type"] == "creating" and made["type"] == "aws:lb/loadBalancer:LoadBalancer":
            balancers = account_client(workspace.environment, "elbv2")
            for found in balancers.describe_load_balancers()["LoadBalancers"]:
                if found["LoadBalancerName"] == made["inputs"]["name"]:
                    balancers.delete_load_balancer(LoadBalancerArn=found["LoadBalancerArn"])


def test_up_finishes_after_interruptions_of_joins(stacked: Workspace) -> None:
    interrupted: list[tuple[str, str]] = []
    while left := [moment for moment in MOMENTS if moment not in interrupted]:
        act = kill_9 if len(interrupted) % 2 == 0 else ctrl_c
        moment = interrupted_at_one_of(stacked, left, act)
        if moment is None:
            break
        interrupted.append(moment)
    print(f"interrupted at {interrupted}")
    assert len(interrupted) >= FEWEST_INTERRUPTIONS, interrupted
    assert any(step == "configure-control-plane" for step, _ in interrupted), interrupted
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
