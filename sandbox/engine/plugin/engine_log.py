"""Messages of a plugin to the person at the terminal, by way of the engine."""

from __future__ import annotations

import sys

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class EngineLog:
    """Sends log lines to the engine at `address` ("host:port"), each under the resource that it is about.

    A line that cannot be delivered is written to standard error: the engine may be gone, the work goes on.
    """

    def __init__(self, address: str | None) -> None:
        # The engine is on this machine, whatever proxy the environment names for other hosts.
        options = [("grpc.enable_http_proxy", 0)]
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address, options)) if address else None

    def debug(self, urn: str, message: str) -> None:
        self._send(engine_pb2.DEBUG, urn, message)

    def info(self, urn: str, message: str) -> None:
        self._send(engine_pb2.INFO, urn, message)

    def warning(self, urn: str, message: str) -> None:
        self._send(engine_pb2.WARNING, urn, message)

    def error(self, urn: str, message: str) -> None:
        self._send(engine_pb2.ERROR, urn, message)

    def status(self, urn: str, message: str) -> None:
        """A line that the next one replaces: what the resource is doing now."""
        self._send(engine_pb2.INFO, urn, message, ephemeral=True)

    def _send(
        self, severity: engine_pb2.LogSeverity.ValueType, urn: str, message: str, ephemeral: bool = False
    ) -> None:
        request = engine_pb2.LogRequest(severity=severity, urn=urn, message=message, streamId=0, ephemeral=ephemeral)
        try:
            if self._engine is None:
                raise ConnectionError("no engine")
            self._engine.Log(request, timeout=10)
        except (grpc.RpcError, ConnectionError):
            if severity != engine_pb2.DEBUG:
                sys.stderr.write(message + "\n")
