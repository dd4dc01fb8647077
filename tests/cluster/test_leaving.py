"""What is left of a cluster that is destroyed, and of a sandbox that is down: nothing."""

from __future__ import annotations

import pytest

from sandbox import lifecycle
from sandbox.cloud import wiring
from sandbox.paths import state_dir
from tests.cluster.conftest import DESTROY, Workspace
from tests.cluster.host_facts import host_facts
from tests.cluster.on_machines import machines

pytestmark = pytest.mark.cluster


def test_destroy_leaves_nothing_and_a_second_destroy_is_quiet(workspace: Workspace) -> None:
    workspace.pulumi(*DESTROY)
    assert machines().ids() == []
    assert wiring.connected_machines() == []
    assert list((state_dir() / "volumes").glob("*.img")) == []
    assert workspace.changes(*DESTROY) == {}


def test_down_leaves_the_host_as_it_was(workspace: Workspace) -> None:
    lifecycle.down(print)
    assert host_facts() == workspace.host_before
    assert not state_dir().exists()
    lifecycle.down(print)
