"""When a load balancer's process is taken for dead."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.cloud.balancer import runtime
from sandbox.cloud.balancer.process import BalancerProcess
from sandbox.cloud.balancer.program import Haproxy


@pytest.fixture
def process() -> Iterator[BalancerProcess]:
    # Names of sockets are short; pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="lb-") as folder:
        yield BalancerProcess(Path(folder), "no-network", Haproxy(Path("/no/haproxy")))


def listener(process: BalancerProcess) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(process.folder / "parent"))
    made.listen()
    return made


def test_where_nobody_listens_it_does_not_run(process: BalancerProcess) -> None:
    assert process.states() is None
    listener(process).close()
    assert (process.folder / "parent").exists()
    assert process.states() is None


def test_one_that_is_slow_to_answer_is_not_started_again(
    process: BalancerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "_TIMEOUT_SECONDS", 0.05)
    with listener(process), pytest.raises(TimeoutError):
        process.states()
