"""What the tests of etcd's part share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.node.common import log
from tests.components.node.etcd.gateway import Authority, Cluster
from tests.components.node.etcd.snapshot_world import world

__all__ = ["world"]

# Members listen on etcd's own ports, so tests that run side by side need addresses of their own.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
LOOPBACK = tuple(f"127.80.{_WORKER}.{n}" for n in (10, 11, 12))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "pki").make(*LOOPBACK)


@pytest.fixture
def addresses() -> tuple[str, ...]:
    """Three, on loopback."""
    return LOOPBACK


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture(autouse=True)
def _logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
