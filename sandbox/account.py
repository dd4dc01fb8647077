"""An account by itself, without machines and without root: enough for `pulumi preview`, and for what asks only AWS."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox.cloud.api.operator import operator_environment
from sandbox.cloud.api.proxy import EndpointProxy
from sandbox.cloud.api.server import Api
from sandbox.signals import wait_to_be_ended

_LOOPBACK = "127.0.0.1"


def serve(ready: Callable[[Mapping[str, str]], None]) -> None:
    """Serves a new account until SIGTERM or SIGINT; `ready` gets the environment that leads a program to it."""
    with tempfile.TemporaryDirectory(prefix="quorate-account-") as folder:
        api = Api(Path(folder))
        api.start()
        listener = socket.create_server((_LOOPBACK, 0))
        proxy = EndpointProxy(listener, api.authority, (_LOOPBACK, api.port), lambda line: None)
        proxy.start()
        address = f"http://{_LOOPBACK}:{proxy.port}"
        ready(operator_environment(address, str(api.authority.certificate_path), f"{_LOOPBACK},localhost"))
        wait_to_be_ended()
        proxy.stop()
        api.stop()
