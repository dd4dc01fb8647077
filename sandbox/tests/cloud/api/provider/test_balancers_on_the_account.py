from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from sandbox.tests.cloud.api.account import Account
from sandbox.tests.cloud.api.provider.account_contents import differences, ids, leftovers
from tests.pulumi_project import Project


@pytest.mark.drill
@pytest.mark.engine
def test_the_aws_provider_makes_changes_and_removes_load_balancers(
    account: Account, new_project: Callable[[str], Project]
) -> None:
    project = new_project("balancers_program.py")
    changed = Project(project.folder, {**project.environment, "VARIANT": "1"})
    project.run("up", "--yes", "--skip-preview")
    assert re.fullmatch(r"probe-internal-[0-9a-f]{16}\.elb\.eu-central-1\.amazonaws\.com", project.output("name"))
    assert health(account, project.output("targets")) == {"10.20.0.10": "initial", "10.20.0.11": "initial"}
    assert differences(project) == {"same"}
    before = ids(project)
    changed.run("up", "--yes", "--skip-preview")
    assert ids(changed) == before, "something was replaced that AWS changes in place"
    assert differences(changed) == {"same"}
    changed.run("destroy", "--yes", "--skip-preview")
    assert leftovers(account) == {}


def health(account: Account, group: str) -> dict[str, str]:
    told = account.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return {target["Target"]["Id"]: target["TargetHealth"]["State"] for target in told}
