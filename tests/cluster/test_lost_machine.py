"""A machine that is gone for good comes back as the same one."""

from __future__ import annotations

import json
import time

import pytest

from tests.cluster.conftest import STACK, UP, Workspace
from tests.cluster.on_machines import machine_ids

pytestmark = pytest.mark.cluster


def test_a_lost_machine_comes_back_on_its_disk_and_address_with_the_clusters_objects(education: Workspace) -> None:
    education.kubectl("create", "configmap", "kept", "--from-literal=made=before")
    address = education.pulumi("stack", "output", "apiAddress", "--stack", STACK).stdout
    (lost,) = machine_ids()
    education.ec2().terminate_instances(InstanceIds=[lost])
    education.ec2().get_waiter("instance_terminated").wait(
        InstanceIds=[lost], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    refreshed = education.changes("refresh", "--yes", "--skip-preview", "--stack", STACK)
    assert refreshed == {"delete": 2}, "the instance and its volume's attachment"
    started = time.monotonic()
    education.pulumi(*UP)
    print(f"pulumi up with a new machine took {time.monotonic() - started:.0f} s")
    assert lost not in machine_ids()
    assert education.pulumi("stack", "output", "apiAddress", "--stack", STACK).stdout == address
    (node,) = json.loads(education.kubectl("get", "nodes", "-o", "json"))["items"]
    assert [node["spec"]["providerID"].rpartition("/")[2]] == list(machine_ids()), "not the instance that was lost"
    kept = json.loads(education.kubectl("get", "configmap", "kept", "-o", "json"))
    assert kept["data"] == {"made": "before"}
    assert education.changes(*UP) == {}
