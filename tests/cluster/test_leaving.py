"""What is left of a cluster that is destroyed, and of a sandbox that is down: nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import sandbox_cli
from tests.cluster.conftest import DESTROY, Workspace
from tests.cluster.host_facts import host_facts
from tests.cluster.on_machines import left_on_the_host

pytestmark = pytest.mark.cluster


def test_destroy_leaves_nothing_and_a_second_destroy_is_quiet(workspace: Workspace) -> None:
    workspace.pulumi(*DESTROY)
    assert not any(left_on_the_host().values())
    assert workspace.changes(*DESTROY) == {}


def test_down_leaves_the_host_as_it_was(workspace: Workspace) -> None:
    sandbox_cli.down()
    assert host_facts() == workspace.host_before
    assert not Path(sandbox_cli.status()["state"]).exists()
    sandbox_cli.down()
