"""What docs/settings.md says of a change is what it does to the living cluster: a setting of each kind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.account import fault
from tests.cluster.conftest import STACK, UP, Workspace
from tests.cluster.on_machines import machine_ids, on_machine

pytestmark = pytest.mark.cluster


def apply_in_place(workspace: Workspace) -> dict[str, int]:
    """What `up` did, by kind; the machine is the same afterwards, nothing was replaced, and a second `up` is quiet."""
    before = machine_ids()
    done = workspace.changes(*UP)
    assert machine_ids() == before
    assert set(done) <= {"create", "update"}, done
    assert workspace.changes(*UP) == {}
    return done


def node(workspace: Workspace) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = json.loads(workspace.kubectl("get", "nodes", "-o", "json"))["items"]
    return found


def test_an_api_server_argument_is_applied_in_place(education: Workspace) -> None:
    education.set("controlPlane", "apiServerArguments", {"max-requests-inflight": "350"})
    assert apply_in_place(education)["update"]
    assert "--max-requests-inflight=350" in on_machine("pgrep", "--full", "--list-full", "^kube-apiserver")


def test_an_access_network_is_one_more_rule(education: Workspace) -> None:
    education.set("access", "apiCidrs", ["203.0.113.0/24", "192.0.2.128/25"])
    assert apply_in_place(education) == {"create": 1}
    permissions = [
        permission
        for group in education.ec2().describe_security_groups()["SecurityGroups"]
        for permission in group["IpPermissions"]
        if permission.get("FromPort") == 6443
    ]
    allowed = {entry["CidrIp"] for permission in permissions for entry in permission["IpRanges"]}
    assert allowed == {"203.0.113.0/24", "192.0.2.128/25"}


def test_a_zone_that_aws_calls_unavailable_changes_nothing(education: Workspace) -> None:
    """The next one would be the first of AWS's list then."""
    fault("close-zone", "a")
    try:
        education.pulumi("preview", "--expect-no-changes", "--stack", STACK)
    finally:
        fault("heal-zone", "a")


def test_a_volume_grows_with_its_data_on_it(education: Workspace) -> None:
    education.kubectl("create", "configmap", "before-growth", "--from-literal=made=before")
    education.set("etcd", "volumeGib", 21)
    assert apply_in_place(education)["update"]
    sizes = [volume["Size"] for volume in education.ec2().describe_volumes()["Volumes"]]
    assert 21 in sizes
    device = on_machine("findmnt", "--noheadings", "--output", "SOURCE", "/var/lib/etcd").strip()
    assert int(on_machine("blockdev", "--getsize64", device)) == 21 * 2**30
    assert "before" in education.kubectl("get", "configmap", "before-growth", "-o", "json")


def test_another_version_of_containerd_is_installed_in_place_under_running_pods(education: Workspace) -> None:
    def smoke_pods() -> list[tuple[str, int]]:
        pods = json.loads(education.kubectl("-n", "quorate-smoke", "get", "pods", "-o", "json"))["items"]
        return [(pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"]) for pod in pods]

    before = smoke_pods()
    for version in ("2.3.6", "2.3.7"):
        education.set("cluster", "containerdVersion", version)
        assert apply_in_place(education)["update"]
        assert node(education)["status"]["nodeInfo"]["containerRuntimeVersion"] == f"containerd://{version}"
    assert smoke_pods() == before


def test_another_machine_type_restarts_the_same_machine(education: Workspace) -> None:
    booted = on_machine("cat", "/proc/1/stat").split()[21]
    education.set("controlPlane", "instanceType", "t3.large")
    assert apply_in_place(education)["update"]
    assert on_machine("cat", "/proc/1/stat").split()[21] != booted
    assert node(education)["metadata"]["name"] == "control-plane-0"


def test_what_cannot_change_is_refused_at_preview_and_at_up_with_nothing_done(education: Workspace) -> None:
    kept = education.stack_file.read_text()
    education.set("network", "podCidr", "10.245.0.0/16")
    education.set("etcd", "volumeGib", 20)
    for command in (("preview", "--stack", STACK), UP):
        refused = education.pulumi(*command, check=False)
        assert refused.returncode != 0
        assert "have 2 problems; nothing was created or changed" in refused.stdout
        assert "'10.245.0.0/16' instead of '10.244.0.0/16'" in refused.stdout
        assert "Choose 21 or more" in refused.stdout
    education.stack_file.write_text(kept)
    assert education.changes(*UP) == {}
