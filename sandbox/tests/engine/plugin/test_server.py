"""The server that every plugin has: errors, cancellation, and its end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.engine.plugin.engine_log import EngineLog
from sandbox.engine.plugin.properties import Secret, decode
from sandbox.engine.plugin.server import InitializationFailedError, PluginError, ResourcePlugin, start
from sandbox.paths import CHECKOUT

SCRIPT = f"""
import sys
sys.path.insert(0, {str(CHECKOUT)!r})
from sandbox.engine.plugin.server import ResourcePlugin, serve
class Probe(ResourcePlugin):
    name, version = "probe", "1.0.0"
serve(Probe)
print("ended well", file=sys.stderr)
"""


class Probe(ResourcePlugin):
    name = "probe"
    version = "1.2.3"

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        if request.name == "refused":
            raise PluginError("no room:\n  try another zone")
        if request.name == "partial":
            raise InitializationFailedError("not ready", "id-1", {"a": Secret("b")}, ["it waits", "still"])
        raise ValueError("a defect")


@pytest.fixture
def plugin() -> Probe:
    return Probe(EngineLog(None))


@pytest.fixture
def client(plugin: Probe) -> Iterator[Any]:
    server, port = start(plugin)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    server.stop(None)


def failure(client: Any, name: str) -> Any:
    with pytest.raises(grpc.RpcError) as caught:
        client.Create(provider_pb2.CreateRequest(name=name))
    return caught.value


def test_a_plugin_error_arrives_word_for_word(client: Any) -> None:
    error = failure(client, "refused")
    assert (error.code(), error.details()) == (grpc.StatusCode.UNKNOWN, "no room:\n  try another zone")


def test_a_resource_that_did_not_get_ready_arrives_with_its_state(client: Any) -> None:
    error = failure(client, "partial")
    trailing = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert (detail.id, list(detail.reasons)) == ("id-1", ["it waits", "still"])
    assert decode(detail.properties) == {"a": Secret("b")}


def test_a_defect_is_told_with_its_kind_and_its_place(client: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert failure(client, "broken").details() == "ValueError: a defect"
    assert "test_server.py" in capfd.readouterr().err


def test_what_a_plugin_lacks_is_refused_by_name(client: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.Construct(provider_pb2.ConstructRequest())
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert caught.value.details() == "Construct is not modelled by the sandbox's plugin probe"


def test_it_says_its_version(client: Any) -> None:
    assert client.GetPluginInfo(empty_pb2.Empty()).version == "1.2.3"


def test_cancelling_calls_what_waits_and_what_comes_later(plugin: Probe, client: Any) -> None:
    calls: list[str] = []
    plugin.on_cancel(lambda: calls.append("waiting"))
    forget = plugin.on_cancel(lambda: calls.append("done before"))
    forget()
    client.Cancel(empty_pb2.Empty())
    assert plugin.cancelled.is_set()
    plugin.on_cancel(lambda: calls.append("late"))
    assert calls == ["waiting", "late"]


def start_process() -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "127.0.0.1:1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_good_order(number: signal.Signals) -> None:
    process, _ = start_process()
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "ended well\n")


def test_it_ends_when_the_engine_is_killed(tmp_path: Path) -> None:
    port, pid = tmp_path / "port", tmp_path / "pid"
    script = f'"$1" -c "$2" 127.0.0.1:1 >{port} 2>&1 & echo $! >{pid}; wait'
    engine = subprocess.Popen(["/bin/sh", "-c", script, "sh", sys.executable, SCRIPT])
    _wait_until(lambda: port.exists() and port.read_text().endswith("\n"), "the plugin did not start")
    engine.kill()
    engine.wait()
    _wait_until(lambda: not _alive(int(pid.read_text())), "the plugin outlived its engine")


def _wait_until(holds: Callable[[], bool], complaint: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
