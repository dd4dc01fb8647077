"""A living cluster gets more members of etcd, and more control planes, while a client writes. The tests build on each
other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from components.node.etcd.client import CLIENT_PORT
from tests.cluster.account import instance_ids
from tests.cluster.availability import NAMESPACE, watched
from tests.cluster.bounds import QUIET_SECONDS
from tests.cluster.conftest import UP, Workspace, made_workspace
from tests.cluster.on_machines import processes, run_on

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

WELL_SECONDS = 120
# What an API server without a load balancer costs while it restarts.
SINGLE_SECONDS = 90


@dataclass(frozen=True)
class Growing:
    workspace: Workspace
    client: str

    def grow(self, group: str, key: str, number: int, allowed: int) -> None:
        """One changed line and one `pulumi up`: what was there goes on, and the next `up` finds nothing to do."""
        before, nodes = processes(), self.nodes()
        with watched(self.workspace, self.client) as watch:
            with watch.making():
                self.workspace.set(group, key, number)
                done = self.workspace.changes(*UP)
            seen = watch.until_well(QUIET_SECONDS, WELL_SECONDS)
        print(f"{group}.{key} {number}: " + "; ".join(f"{place} failed {each}" for place, each in seen.items()))
        assert set(done) <= {"create", "update", "delete"}, done
        assert before.items() <= processes().items(), "a machine that was there was restarted"
        assert nodes.items() <= self.nodes().items()
        assert all(len(each.failed) <= allowed for each in seen.values())
        assert watch.written() <= self.objects()
        status = self.workspace.operation("status")
        assert status.returncode == 0, status.stdout + status.stderr
        print(status.stdout)
        assert self.workspace.changes(*UP) == {}

    def nodes(self) -> dict[str, str]:
        found = json.loads(self.workspace.kubectl("get", "nodes", "-o", "json"))["items"]
        return {node["metadata"]["name"]: node["metadata"]["uid"] for node in found}

    def objects(self) -> set[str]:
        return set(
            self.workspace.kubectl(
                "get", "configmaps", "-n", NAMESPACE, "-o", "jsonpath={.items[*].metadata.name}"
            ).split()
        )

    def hashes(self, machines: list[str], certificate: str) -> set[int]:
        """Of all members, as of the same revision."""
        ids = instance_ids(self.workspace.environment)
        name = f"{self.workspace.stack}-{machines[0]}"
        outcome = run_on(ids[name][0], "sh", "-c", f"etcdctl {certificate} endpoint hashkv --cluster -w json")
        outcome.check_returncode()
        found = json.loads(outcome.stdout)
        assert len(found) == len(machines)
        return {each["HashKV"]["hash"] for each in found}


def made(folders: pytest.TempPathFactory, etcd: dict[str, object]) -> Iterator[Growing]:
    with made_workspace(folders, "education") as workspace:
        if etcd:
            workspace.replace({"etcd": etcd})
        workspace.pulumi(*UP)
        workspace.kubectl("create", "namespace", NAMESPACE)
        client = instance_ids(workspace.environment)["education-control-plane-0"][0]
        yield Growing(workspace, client)


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growing]:
    yield from made(tmp_path_factory, {"topology": "external", "members": 3, "instanceType": "t3.small"})


@pytest.fixture(scope="module")
def stacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growing]:
    yield from made(tmp_path_factory, {})


def test_three_external_members_become_five(external: Growing) -> None:
    external.grow("etcd", "members", 5, SINGLE_SECONDS)
    trust = "--cacert=/etc/etcd/pki/ca.crt --cert=/etc/etcd/pki/member.crt --key=/etc/etcd/pki/member.key"
    endpoint = f"--endpoints=https://127.0.0.1:{CLIENT_PORT}"
    assert len(external.hashes([f"etcd-{number}" for number in range(5)], f"{endpoint} {trust}")) == 1


def test_fewer_members_are_refused_before_anything_changes(external: Growing) -> None:
    external.workspace.set("etcd", "members", 3)
    refused = external.workspace.pulumi(*UP, check=False)
    assert refused.returncode != 0
    assert "etcd.members" in refused.stdout + refused.stderr
    external.workspace.set("etcd", "members", 5)
    assert external.workspace.changes(*UP) == {}


@pytest.mark.parametrize("number", [3, 5])
def test_more_control_planes_join_with_their_members(stacked: Growing, number: int) -> None:
    stacked.grow("controlPlane", "count", number, SINGLE_SECONDS)
    assert set(stacked.nodes()) == {f"control-plane-{each}" for each in range(number)}
