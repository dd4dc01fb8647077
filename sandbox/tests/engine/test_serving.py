"""The server that plugins and the language host share: which errors reach the engine, and in which words."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from pulumi.provider.experimental.provider import CreateRequest, CreateResponse, Provider
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.engine.serving import ReportedError, start


class Failing(Provider):
    async def create(self, request: CreateRequest) -> CreateResponse:
        if request.urn == "reported":
            raise ReportedError("no such host")
        raise ZeroDivisionError("a defect")


async def failure(method: str, request: Any) -> tuple[grpc.StatusCode, str]:
    servicer = ProviderServicer([], "1.0.0", Failing(), "")
    server, port = await start(
        "probe", lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    )
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            await getattr(provider_pb2_grpc.ResourceProviderStub(channel), method)(request)
    except grpc.aio.AioRpcError as error:
        return error.code(), error.details() or ""
    finally:
        await server.stop(None)
    raise AssertionError(f"{method} succeeded")


def test_a_reported_error_is_shown_as_it_is() -> None:
    request = provider_pb2.CreateRequest(urn="reported")
    assert asyncio.run(failure("Create", request)) == (grpc.StatusCode.UNKNOWN, "no such host")


def test_a_defect_is_shown_with_its_place() -> None:
    code, details = asyncio.run(failure("Create", provider_pb2.CreateRequest(urn="x")))
    assert code == grpc.StatusCode.UNKNOWN
    assert "a defect" in details
    assert "test_serving.py" in details


@pytest.mark.parametrize("method", ["Handshake", "Update"])
def test_a_method_that_is_not_served_is_refused_by_name(method: str) -> None:
    request = {"Handshake": provider_pb2.ProviderHandshakeRequest, "Update": provider_pb2.UpdateRequest}[method]()
    refused = (grpc.StatusCode.UNIMPLEMENTED, f"the sandbox's probe does not serve {method}")
    assert asyncio.run(failure(method, request)) == refused
