from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.tests.cloud.api.account import Account
from sandbox.tests.cloud.api.provider.account_contents import differences, ids, leftovers
from tests.pulumi_project import Project


@pytest.mark.engine
def test_the_aws_provider_creates_reads_back_changes_and_removes_all_it_is_told(
    account: Account, new_project: Callable[[str], Project]
) -> None:
    project = new_project("program.py")
    changed = Project(project.folder, {**project.environment, "VARIANT": "1"})
    project.run("up", "--yes", "--skip-preview")
    assert project.output("zone") == "eu-central-1b"
    assert project.output("address") == "198.51.100.1"
    assert differences(project) == {"same"}
    before = ids(project)
    changed.run("up", "--yes", "--skip-preview")
    assert ids(changed) == before, "something was replaced that AWS changes in place"
    assert differences(changed) == {"same"}
    changed.run("destroy", "--yes", "--skip-preview")
    assert leftovers(account) == {}
