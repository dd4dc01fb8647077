"""The plugin under the real engine, against a real API server: single objects without pods."""

from __future__ import annotations

import pytest

from sandbox.engine.kubernetes.cluster import Cluster
from tests.sandbox.engine.kubernetes.stack import Stack

pytestmark = pytest.mark.engine

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "default"}}


def test_an_object_without_a_name_gets_one_that_it_keeps(stack: Stack, cluster: Cluster) -> None:
    stack.program("""
        made = k8s.core.v1.ConfigMap("settings", data={"a": "1"}, opts=on)
        pulumi.export("name", made.metadata.name)
    """)
    first = stack.up()
    assert first.code == 0, first.text
    name = stack.outputs()["name"]
    assert name.startswith("settings-")
    live = cluster.get(CONFIG_MAP, name)
    assert live["metadata"]["annotations"]["pulumi.com/autonamed"] == "true"
    assert live["metadata"]["managedFields"][0]["manager"].startswith("pulumi-kubernetes-")
    again = stack.up("--expect-no-changes")
    assert again.code == 0, again.text
