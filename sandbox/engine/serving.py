"""Serving the engine by gRPC: on a free loopback port that standard output tells, until the engine is through."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc

# As many as one engine may ask for with --parallel; threads are started only when there is work for them.
_THREADS = 512
_MESSAGE_LIMIT = 400 * 1024 * 1024


def start(
    add_service: Callable[[grpc.Server], None], interceptors: Sequence[grpc.ServerInterceptor] = ()
) -> tuple[grpc.Server, int]:
    """Starts a server with what `add_service` adds to it, and returns it and its port."""
    server = grpc.server(
        ThreadPoolExecutor(_THREADS),
        interceptors=interceptors,
        options=[("grpc.max_receive_message_length", _MESSAGE_LIMIT), ("grpc.max_send_message_length", -1)],
    )
    add_service(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def run_until_ended(server: grpc.Server, port: int, cancel: Callable[[], None]) -> None:
    """Tells the port, and returns after a signal or the engine's end, when all work was cancelled."""
    ended, engine = threading.Event(), os.getppid()

    def end(number: int, frame: object) -> None:
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    print(port, flush=True)
    # An engine that was killed tells nobody; its orphan must not go on creating things.
    while not ended.wait(1) and os.getppid() == engine:
        pass
    cancel()
    server.stop(grace=2).wait()
