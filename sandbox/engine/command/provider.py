"""local.Command and remote.Command on the SDK's own provider class."""

from __future__ import annotations

import asyncio
import json
import secrets
from functools import partial

import paramiko
from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue

from sandbox.engine.command import inputs, local_run, outcome, remote_run, schema, ssh
from sandbox.engine.command.ending import Ending
from sandbox.engine.command.engine_log import EngineLog
from sandbox.engine.command.inputs import Properties
from sandbox.engine.command.output import Output
from sandbox.engine.serving import ReportedError


class CommandProvider(sdk.Provider):
    """What it serves and how it differs from the original: see the package."""

    def __init__(self, log: EngineLog) -> None:
        self._log = log
        self._cancelled = asyncio.Event()
        # The original closes none of them before its end.
        self._connections: list[paramiko.Transport] = []

    async def get_schema(self, request: sdk.GetSchemaRequest) -> sdk.GetSchemaResponse:
        return sdk.GetSchemaResponse(json.dumps(schema.PACKAGE))

    async def configure(self, request: sdk.ConfigureRequest) -> sdk.ConfigureResponse:
        return sdk.ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        complete, failures = inputs.check(_token(request.urn), request.new_inputs)
        return sdk.CheckResponse(complete, failures)

    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        found = outcome.differences(_token(request.urn), request.old_state, request.new_inputs)
        replaces = [path for path, difference in found.items() if difference.kind.name.endswith("_REPLACE")]
        return sdk.DiffResponse(bool(found), replaces, diffs=list(found), detailed_diff=found)

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        new = request.properties
        id = request.name + secrets.token_hex(4)
        if request.preview:
            return sdk.CreateResponse(id, {**new, **outcome.UNKNOWN_RESULTS})
        results = await self._run(request.urn, new, "create", outcome.last_results({}), request.timeout)
        return sdk.CreateResponse(id, {**new, **results})

    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        new = request.news
        if request.preview:
            return sdk.UpdateResponse({**new, **outcome.previewed_results(_token(request.urn), request.olds, new)})
        last = outcome.last_results(request.olds)
        which = "update" if "update" in new else "create"
        return sdk.UpdateResponse({**new, **await self._run(request.urn, new, which, last, request.timeout)})

    async def delete(self, request: sdk.DeleteRequest) -> None:
        """Nothing runs: the property `delete` is not served."""

    async def invoke(self, request: sdk.InvokeRequest) -> sdk.InvokeResponse:
        raise _not_served(f"the function {request.tok}")

    async def cancel(self) -> None:
        self._cancelled.set()

    async def _run(
        self, urn: str, new: Properties, which: str, last: dict[str, PropertyValue], timeout: float
    ) -> dict[str, PropertyValue]:
        """Results of the command that the property `which` holds, or the last ones if there is none."""
        given = {name: inputs.plain(value) for name, value in new.items()}
        if which not in given:
            return last
        say = partial(self._log.status, urn)
        output, ending = Output(say, given.get("logging")), Ending(self._cancelled, timeout)
        command, stdin = given[which], given.get("stdin", "")
        if _token(urn) == schema.LOCAL:
            environment = _last_output(last) if given["addPreviousOutputInEnv"] else {}
            await local_run.run(command, stdin, environment, output, ending)
        else:
            transport = await ssh.dial(given["connection"], ending, say)
            self._connections.append(transport)
            await asyncio.to_thread(remote_run.run, transport, command, stdin, output)
        return {name: PropertyValue(text) for name, text in zip(outcome.RESULTS, output.results(), strict=True)}


def _token(urn: str) -> str:
    token = urn.split("::")[2].rsplit("$", 1)[-1]
    if token not in schema.RESOURCES:
        raise _not_served(f"the resource type {token}")
    return token


def _not_served(what: str) -> ReportedError:
    served = " and ".join(schema.RESOURCES)
    return ReportedError(f"the sandbox's stand-in for the plugin command serves {served}, not {what}")


def _last_output(last: Properties) -> dict[str, str]:
    texts = {f"PULUMI_COMMAND_{name.upper()}": inputs.plain(value) for name, value in last.items()}
    return {name: text for name, text in texts.items() if text}
