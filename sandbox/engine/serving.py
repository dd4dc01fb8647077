"""Serving the engine by gRPC: on a free loopback port that standard output names, until the engine is through."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import grpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS

# As many as one engine may ask for with --parallel; threads are started only when there is work for them.
_THREADS = 512
_ENDING_SECONDS = 2


class ReportedError(Exception):
    """What the user reads; the message is shown as it is. Anything else that is raised is a defect."""


def run(who: str, add_service: Callable[[grpc.aio.Server], None], cancel: Callable[[], Awaitable[None]]) -> None:
    """Serves until a signal or the engine's end, then cancels all work and ends the process.

    `who` names the server where it refuses a method that it does not have.
    """

    async def serve() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
        server, port = await start(who, add_service)
        print(port, flush=True)
        await _until_ended()
        await cancel()
        await server.stop(_ENDING_SECONDS)
        # Threads may still wait for a host, and the interpreter would wait for them.
        os._exit(0)

    asyncio.run(serve())


async def start(who: str, add_service: Callable[[grpc.aio.Server], None]) -> tuple[grpc.aio.Server, int]:
    """A server that has started, and its port."""
    server = grpc.aio.server(interceptors=[_Errors(who)], options=_GRPC_CHANNEL_OPTIONS)
    add_service(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


async def _until_ended() -> None:
    ended, engine = asyncio.Event(), os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    # An engine that was killed announces nothing; its orphan must not go on creating things.
    while not ended.is_set() and os.getppid() == engine:
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), 1)


class _Errors(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # grpc ships no types
    """Turns what a method raises into a gRPC status that the engine shows."""

    def __init__(self, who: str) -> None:
        self._who = who

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler
        method = details.method.rpartition("/")[2]

        async def answer(request: Any, context: Any) -> Any:
            try:
                result = handler.unary_unary(request, context)
                return await result if inspect.isawaitable(result) else result
            except NotImplementedError:
                await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the sandbox's {self._who} does not serve {method}")
            except Exception as error:
                # The SDK's servicer raises an exception of its own, with the traceback in its text.
                cause = error if isinstance(error, ReportedError) else error.__context__
                if not isinstance(cause, ReportedError):
                    raise
                await context.abort(grpc.StatusCode.UNKNOWN, str(cause))

        return grpc.unary_unary_rpc_method_handler(answer, handler.request_deserializer, handler.response_serializer)
