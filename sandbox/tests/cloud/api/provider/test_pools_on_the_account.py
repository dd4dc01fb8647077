from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.tests.cloud.api.account import Account
from sandbox.tests.cloud.api.provider.account_contents import differences, ids, leftovers
from tests.pulumi_project import Project

_REFRESH_DEADLINE_SECONDS = 60


@pytest.mark.drill
@pytest.mark.engine
def test_the_aws_provider_makes_changes_and_removes_pools_in_private_subnets(
    account: Account, new_project: Callable[[str], Project]
) -> None:
    project = new_project("pools_program.py")
    changed = Project(project.folder, {**project.environment, "VARIANT": "1"})
    project.run("up", "--yes", "--skip-preview")
    first = members(account, project.output("group"))
    assert Counter(i["Placement"]["AvailabilityZone"][-1] for i in first) == {"a": 1, "b": 1}
    reserved = {f"10.20.{net}.{host}" for net in (128, 129) for host in range(16)}
    assert not {i["PrivateIpAddress"] for i in first} & reserved
    assert not any("PublicIpAddress" in i for i in first)
    assert differences(project) == {"same"}
    before = ids(project)
    changed.run("up", "--yes", "--skip-preview")
    assert ids(changed) == before, "something was replaced that AWS changes in place"
    deadline = time.monotonic() + _REFRESH_DEADLINE_SECONDS
    while not is_replaced(first, now := members(account, changed.output("group"))):
        assert time.monotonic() < deadline, f"the refresh has not replaced {first} by {now}"
        time.sleep(0.5)
    assert {tag["Value"] for i in now for tag in i["Tags"] if tag["Key"] == "pool"} == {"general-1"}
    assert differences(changed) == {"same"}
    changed.run("destroy", "--yes", "--skip-preview")
    assert leftovers(account) == {}


def members(account: Account, group: str) -> list[dict[str, Any]]:
    """The group's instances in service, as EC2 describes them."""
    found = account.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    in_service = [i for i in found["AutoScalingGroups"][0]["Instances"] if i["LifecycleState"] == "InService"]
    return [account.described(i["InstanceId"]) for i in in_service]


def is_replaced(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> bool:
    return len(new) == 3 and not {i["InstanceId"] for i in old} & {i["InstanceId"] for i in new}
