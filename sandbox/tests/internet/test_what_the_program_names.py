"""The versions that the program asks for by default, and those that its stacks name, are served."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from components.addons import catalogue
from components.plan import Plan
from components.settings.machines import EtcdSettings
from operations.stack_files import read_stack
from sandbox.internet import calico
from sandbox.internet.images import KUBERNETES_REGISTRY
from sandbox.toolchain.build import tool_named

STACKS = sorted((Path(__file__).parents[3] / "stacks").glob("Pulumi.*.yaml"))


@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.stem)
def test_the_images_of_a_stacks_add_ons(stack: Path) -> None:
    plan = Plan(read_stack(stack.stem.removeprefix("Pulumi."), stack.parent).settings)
    served = {f"{KUBERNETES_REGISTRY}/metrics-server/metrics-server:v{tool_named('metrics-server').version}"}
    assert {image for addon in catalogue.wanted_addons(plan) for image in addon.images(plan)} <= served


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
