"""A control plane without nodes and stacks that use it, for the tests marked `engine`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from sandbox.engine import install
from sandbox.engine.kubernetes.cluster import Cluster
from sandbox.tests.engine.kubernetes.control_plane import ControlPlane
from sandbox.tests.engine.kubernetes.stack import Stack


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    plane = ControlPlane(tmp_path_factory.mktemp("control-plane"))
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="session")
def pulumi(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUORATE_STATE", str(tmp_path_factory.mktemp("pulumi")))
        return install.prepare()


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    return control_plane.cluster()


@pytest.fixture
def make_stack(tmp_path: Path, pulumi: Mapping[str, str], control_plane: ControlPlane) -> Callable[[], Stack]:
    return lambda: Stack(tmp_path, pulumi, control_plane.kubeconfig)


@pytest.fixture
def stack(make_stack: Callable[[], Stack]) -> Iterator[Stack]:
    """A stack whose objects are gone after the test."""
    made = make_stack()
    yield made
    made.run("destroy", "--yes", "--skip-preview")
