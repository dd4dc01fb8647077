"""A resource plugin: what every one answers the same way, cancellation, errors and log.

A plugin subclasses ResourcePlugin, overrides the methods of pulumirpc.ResourceProvider that it has, and its
`__main__` calls `serve(MyPlugin)`. A method reports failure by raising PluginError; anything else that is raised
is a defect of the plugin and reaches the person with its traceback on standard error.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
from google.protobuf import any_pb2, empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.engine import serving
from sandbox.engine.plugin.engine_log import EngineLog
from sandbox.engine.plugin.properties import Value, encode


class PluginError(Exception):
    """What the person is told; the message is shown as it is."""

    code = grpc.StatusCode.UNKNOWN


class NotModelledError(PluginError):
    """Something that the plugin does not do; the message names it."""

    code = grpc.StatusCode.UNIMPLEMENTED


class InitializationFailedError(PluginError):
    """The resource exists (`id`, `properties`) but did not get ready, for `reasons`."""

    def __init__(
        self, message: str, id: str, properties: Mapping[str, Value], reasons: Sequence[str],
        inputs: Mapping[str, Value] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.detail = provider_pb2.ErrorResourceInitFailed(
            id=id,
            properties=encode(properties),
            reasons=list(reasons),
            inputs=encode(inputs) if inputs is not None else struct_pb2.Struct(),
        )


class ResourcePlugin(provider_pb2_grpc.ResourceProviderServicer):
    """What every plugin answers the same way.

    `cancelled` is set when the engine wants out (Cancel, SIGINT, SIGTERM, or the engine's end); work that waits
    must watch it, or register a callback with `on_cancel` that ends the wait.
    """

    name: str
    version: str

    def __init__(self, log: EngineLog) -> None:
        self.log = log
        self.cancelled = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._next = 0

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls `callback` upon cancellation, at once if that has happened. Returns what unregisters it."""
        with self._lock:
            self._next += 1
            key = self._next
            self._callbacks[key] = callback
        if self.cancelled.is_set():
            callback()

        def forget() -> None:
            with self._lock:
                self._callbacks.pop(key, None)

        return forget

    def cancel(self) -> None:
        self.cancelled.set()
        with self._lock:
            callbacks = list(self._callbacks.values())
        for callback in callbacks:
            callback()

    def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True, accept_outputs=False)

    def Attach(self, request: Any, context: Any) -> empty_pb2.Empty:
        self.log = EngineLog(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self.version)

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=False
        )

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        self.cancel()
        return empty_pb2.Empty()


def _not_modelled(method: str) -> Callable[[ResourcePlugin, Any, Any], None]:
    def refuse(plugin: ResourcePlugin, request: Any, context: Any) -> None:
        raise NotModelledError(f"{method} is not modelled by the sandbox's plugin {plugin.name}")

    return refuse


for _method in (
    "Call", "Check", "Construct", "Create", "Delete", "Diff", "GetMapping", "GetMappings", "GetSchema", "Invoke",
    "List", "Parameterize", "Read", "Update",
):  # fmt: skip
    # A plugin overrides those that it has.
    setattr(ResourcePlugin, _method, _not_modelled(_method))


class _ErrorsForThePerson(grpc.ServerInterceptor):  # type: ignore[misc]  # grpc ships no types
    """Turns what a method raises into a gRPC status that the engine shows."""

    def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler

        def answer(request: Any, context: Any) -> Any:
            try:
                return handler.unary_unary(request, context)
            except InitializationFailedError as failure:
                detail = any_pb2.Any()
                detail.Pack(failure.detail)
                status = status_pb2.Status(code=failure.code.value[0], message=str(failure), details=[detail])
                context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
                context.abort(failure.code, str(failure))
            except PluginError as failure:
                context.abort(failure.code, str(failure))
            except Exception as defect:
                # abort() raises a bare Exception of its own, and NotImplementedError follows a status already set.
                if context.code() is None:
                    traceback.print_exc()
                    context.abort(grpc.StatusCode.UNKNOWN, f"{type(defect).__name__}: {defect}")
                raise

        return grpc.unary_unary_rpc_method_handler(answer, handler.request_deserializer, handler.response_serializer)


def start(plugin: provider_pb2_grpc.ResourceProviderServicer) -> tuple[grpc.Server, int]:
    """Starts serving on a free loopback port, and returns the server and the port."""
    return serving.start(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(plugin, server),
        interceptors=[_ErrorsForThePerson()],
    )


def serve(make: Callable[[EngineLog], ResourcePlugin], arguments: Sequence[str] | None = None) -> None:
    """Runs a plugin until the engine ends it. `arguments`: the command line; its last word is the engine's address."""
    words = [word for word in (sys.argv[1:] if arguments is None else arguments) if not word.startswith("-")]
    plugin = make(EngineLog(words[-1] if words else None))
    server, port = start(plugin)
    serving.run_until_ended(server, port, plugin.cancel)
