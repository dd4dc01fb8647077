"""Entry of the plugin `command`: the engine starts it and reads the port from its standard output."""

from __future__ import annotations

import logging
import sys

from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2_grpc

from sandbox.engine import serving
from sandbox.engine.command.engine_log import EngineLog
from sandbox.engine.command.provider import CommandProvider
from sandbox.engine.command.schema import VERSION


def main() -> None:
    # paramiko prints the traceback of every failed handshake; ours are answers to the engine.
    logging.getLogger("paramiko").addHandler(logging.NullHandler())
    logging.getLogger("paramiko").propagate = False
    engine = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    provider = CommandProvider(EngineLog(engine))
    servicer = ProviderServicer(sys.argv[1:], VERSION, provider, engine)
    serving.run(
        "stand-in for the plugin command",
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server),
        provider.cancel,
    )


if __name__ == "__main__":
    main()
