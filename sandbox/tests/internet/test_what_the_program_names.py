"""The versions that the program asks for by default, and those that its stacks name, are served."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from components.addons import metrics_server
from components.settings.machines import EtcdSettings
from sandbox.internet import calico
from sandbox.toolchain.build import tool_named

STACKS = sorted((Path(__file__).parents[3] / "stacks").glob("Pulumi.*.yaml"))


def test_metrics_server() -> None:
    assert tool_named("metrics-server").version == metrics_server.VERSION


def test_etcds_release() -> None:
    assert EtcdSettings().version == tool_named("etcd").version


@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.stem)
def test_the_network_plugin_of_a_stack(stack: Path) -> None:
    plugin = yaml.safe_load(stack.read_text())["config"].get("quorate:networkPlugin", {})
    served = {
        "flannel": (f"v{tool_named('flannel').version}",),
        "calico": calico.tags(),
    }[plugin.get("name", "flannel")]
    assert "version" not in plugin or f"v{plugin['version']}" in served
