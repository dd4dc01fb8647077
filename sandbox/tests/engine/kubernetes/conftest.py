"""A control plane without nodes, and projects that keep objects in it, for the tests marked `engine`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.paths import CHECKOUT
from sandbox.tests.engine.kubernetes.control_plane import ControlPlane
from tests.pulumi_project import Project

_HEADER = """
import os
import pulumi
import pulumi_kubernetes as k8s
cluster = k8s.Provider("cluster", kubeconfig=os.environ["TEST_KUBECONFIG"])
on = pulumi.ResourceOptions(provider=cluster)
"""


@dataclass(frozen=True)
class Objects(Project):
    """A project whose programs have `cluster`, a provider for TEST_KUBECONFIG's API server, and options `on` it."""

    def write(self, program: str) -> None:
        (self.folder / "__main__.py").write_text(_HEADER + textwrap.dedent(program))

    def with_variables(self, **variables: str) -> Objects:
        return Objects(self.folder, {**self.environment, **variables})


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    plane = ControlPlane(tmp_path_factory.mktemp("control-plane"))
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture
def objects(project: Project, control_plane: ControlPlane, tmp_path: Path) -> Iterator[Objects]:
    """A project of this kind; what it made is gone after the test."""
    variables = {"TEST_KUBECONFIG": control_plane.kubeconfig, "PYTHONPATH": str(CHECKOUT)}
    environment = {key: value for key, value in project.environment.items() if key != "KUBECONFIG"}
    made = Objects(project.folder, {**environment, **variables})
    yield made
    made.run("destroy", "--yes", "--skip-preview")
