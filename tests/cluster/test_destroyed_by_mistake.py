"""A prod stack that is destroyed by mistake: its protected disks are left, and `up` makes a cluster of them again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.conftest import Workspace, made_workspace
from tests.cluster.on_machines import machine_ids
from tests.cluster.prod_cluster import DESTROY, STACK, UP, every_node_is_ready
from tests.cluster.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.drill]


@pytest.fixture(scope="module", params=["external", "stacked"])
def prod(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with made_workspace(tmp_path_factory, STACK) as workspace:
        if request.param == "stacked":
            workspace.replace({"etcd": {"topology": "stacked", "protectVolumes": True}})
        workspace.pulumi(*UP)
        yield workspace


def test_it_comes_back_with_its_objects_and_readable_secrets(prod: Workspace) -> None:
    prod.kubectl("create", "secret", "generic", "kept", "--from-literal=word=before")
    outcome = prod.pulumi(*DESTROY, check=False)
    assert outcome.returncode != 0
    assert "protect" in outcome.stdout + outcome.stderr
    assert machine_ids() == [], "a destroy that leaves machines proves less than it says"
    prod.forget_kubeconfig()
    prod.pulumi(*UP)
    assert prod.kubectl("get", "secret", "kept", "-o", "jsonpath={.data.word}") == "YmVmb3Jl"
    until(
        lambda: len(prod.kubectl("get", "nodes", "-o", "name").split()) == 6, "nodes of lost workers are removed", 300
    )
    every_node_is_ready(prod)
    assert prod.changes(*UP) == {}
