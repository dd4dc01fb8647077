"""Messages to the user at the terminal, by way of the engine."""

from __future__ import annotations

import sys

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class EngineLog:
    """Sends lines to the engine at `address` ("host:port"), each under the resource that it is about."""

    def __init__(self, address: str) -> None:
        # The engine is on this machine, whatever proxy the environment names for other hosts.
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]))

    def status(self, urn: str, message: str) -> None:
        """A line that the next one replaces: what the resource is doing now."""
        request = engine_pb2.LogRequest(severity=engine_pb2.INFO, urn=urn, message=message, ephemeral=True)
        try:
            self._engine.Log(request, timeout=10)
        except grpc.RpcError:
            # The engine may be gone; the work goes on.
            sys.stderr.write(message + "\n")
