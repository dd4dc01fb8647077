"""The committed stacks, as far as they are AWS's: made, read back without a difference, and gone but for snapshots."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.tests.cloud.api.account import Account
from sandbox.tests.cloud.api.provider.account_contents import differences, leftovers
from tests.pulumi_project import Project

# The provider itself waits a minute for a load balancer, and looks twice.
PATIENCE_SECONDS = 400
CHECKOUT = str(Path(__file__).parents[5])


@pytest.mark.drill
@pytest.mark.engine
@pytest.mark.parametrize(("stack", "kept"), [("dev", {}), ("prod", {"buckets": 1, "encryption keys": 1})])
def test_a_stack_is_made_read_back_without_a_difference_and_removed_but_for_its_snapshots(
    stack: str, kept: dict[str, int], account: Account, new_project: Callable[[str], Project]
) -> None:
    plain = new_project("stack_program.py")
    project = Project(plain.folder, {**plain.environment, "STACK": stack, "CHECKOUT": CHECKOUT}, PATIENCE_SECONDS)
    project.run("up", "--yes", "--skip-preview")
    assert differences(project) == {"same"}
    # Prod protects its volumes; that they are refused otherwise is the engine's to keep.
    project.run("destroy", "--yes", "--skip-preview", "--ignore-protect")
    assert leftovers(account) == kept
