"""The plugin's side of the engine's protocol."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import paramiko
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from sandbox.engine.command import copying, local_run, outcome, remote_run, schema
from sandbox.engine.command.checking import Failure, check
from sandbox.engine.command.ssh import Dialler
from sandbox.engine.plugin.differences import detailed, parse_path
from sandbox.engine.plugin.properties import (
    Archive,
    Asset,
    Properties,
    Value,
    decode,
    encode,
    reveal,
    reveal_all,
)
from sandbox.engine.plugin.server import NotModelledError, PluginError, ResourcePlugin

_PREVIOUS_STDOUT, _PREVIOUS_STDERR = "PULUMI_COMMAND_STDOUT", "PULUMI_COMMAND_STDERR"


class CommandPlugin(ResourcePlugin):
    """local.Command, remote.Command, remote.CopyToRemote, remote.CopyFile and the function local.run."""

    name = schema.NAME
    version = schema.VERSION

    def GetSchema(self, request: Any, context: Any) -> provider_pb2.GetSchemaResponse:
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema.package_schema()))

    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        resource = _resource(request.urn)
        inputs, failures = check(resource.inputs, decode(request.news))
        if resource is schema.COPY_TO_REMOTE and not failures:
            failures = _source_failures(reveal(inputs["source"]))
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=_on_the_wire(failures))

    def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        resource = _resource(request.urn)
        state, inputs = decode(request.olds), _with_ignored(request)
        changes = outcome.changes(resource, state, inputs)
        kinds = detailed(changes, lambda path: outcome.replaces(resource, path))
        kind = provider_pb2.PropertyDiff
        replacing = {kind.ADD_REPLACE, kind.DELETE_REPLACE, kind.UPDATE_REPLACE}
        response = provider_pb2.DiffResponse
        return response(
            changes=response.DIFF_SOME if changes else response.DIFF_NONE,
            diffs=list(kinds),
            replaces=[path for path, number in kinds.items() if number in replacing],
            detailedDiff={path: kind(kind=cast(Any, number)) for path, number in kinds.items()},
            hasDetailedDiff=bool(kinds),
        )

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        resource = _resource(request.urn)
        inputs = decode(request.properties)
        is_command = resource in (schema.LOCAL_COMMAND, schema.REMOTE_COMMAND)
        id = (request.urn.rsplit("::", 1)[1] if is_command else "") + secrets.token_hex(4)
        if request.preview:
            outputs = outcome.previewed_creation(resource, inputs)
            return provider_pb2.CreateResponse(id=id if is_command else "", properties=encode(outputs))
        if is_command:
            results = self._run(resource, inputs, reveal(inputs.get("create")), {}, request.urn)
        else:
            results = self._copy(inputs, request.urn)
        return provider_pb2.CreateResponse(id=id, properties=encode({**inputs, **results}))

    def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:
        resource = _resource(request.urn)
        if not resource.updatable:
            raise NotModelledError(f"Update is not implemented for resource {request.urn}")
        state, inputs = decode(request.olds), _with_ignored(request)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encode(outcome.previewed_update(resource, state, inputs)))
        if resource is schema.COPY_TO_REMOTE:
            if _must_copy(reveal_all(state), reveal_all(inputs)):
                self._copy(inputs, request.urn)
            return provider_pb2.UpdateResponse(properties=encode(inputs))
        command = reveal(inputs.get("update", inputs.get("create")))
        results = self._run(resource, inputs, command, _results(resource, state), request.urn)
        return provider_pb2.UpdateResponse(properties=encode({**inputs, **results}))

    def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:
        # There is nothing to look at: what a command did is known by its state alone.
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        resource = _resource(request.urn)
        state = decode(request.properties)
        if resource in (schema.LOCAL_COMMAND, schema.REMOTE_COMMAND):
            self._run(resource, state, reveal(state.get("delete")), _results(resource, state), request.urn)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> provider_pb2.InvokeResponse:
        if request.tok != schema.RUN:
            raise NotModelledError(f"the function {request.tok} is not modelled by the sandbox's plugin {self.name}")
        inputs, failures = check(schema.RUN_INPUTS, decode(request.args), defaults=False)
        if failures:
            return provider_pb2.InvokeResponse(failures=_on_the_wire(failures))
        results = self._run_here(reveal_all(inputs), str(reveal(inputs["command"])), {}, "")
        answer = encode({**inputs, **results})
        return provider_pb2.InvokeResponse(**{"return": answer})

    def _run(
        self, resource: schema.Resource, inputs: Mapping[str, Value], command: Value, last: Properties, urn: str
    ) -> Properties:
        """Results of the command, or the last ones if there is none to run."""
        if command is None:
            return {"stdout": "", "stderr": "", **last}
        run = self._run_here if resource is schema.LOCAL_COMMAND else self._run_there
        return {**last, **run(reveal_all(inputs), str(command), last, urn)}

    def _run_here(self, inputs: Properties, command: str, last: Properties, urn: str) -> Properties:
        what = local_run.LocalCommand(
            command=command,
            interpreter=cast("list[str]", inputs.get("interpreter") or []),
            directory=cast("str | None", inputs.get("dir")),
            environment={**_environment(inputs), **_previous(inputs, last)},
            stdin=cast(str, inputs.get("stdin") or ""),
            logging=cast("str | None", inputs.get("logging")),
            asset_globs=cast("list[str] | None", inputs.get("assetPaths")),
            archive_globs=cast("list[str] | None", inputs.get("archivePaths")),
        )
        return local_run.run(what, self._to(self.log.status, urn), self.on_cancel)

    def _run_there(self, inputs: Properties, command: str, last: Properties, urn: str) -> Properties:
        what = remote_run.RemoteCommand(
            command=command,
            environment=_environment(inputs),
            previous=_previous(inputs, last),
            stdin=cast(str, inputs.get("stdin") or ""),
            logging=cast("str | None", inputs.get("logging")),
        )
        say = remote_run.Say(
            self._to(self.log.status, urn), self._to(self.log.warning, urn), self._to(self.log.error, urn)
        )
        with self._dialler(urn).dial(cast(Properties, inputs["connection"])) as connected:
            return remote_run.run(what, connected, say, self.on_cancel)

    def _copy(self, inputs: Properties, urn: str) -> Properties:
        plain = reveal_all(inputs)
        target = str(plain["remotePath"])
        if "localPath" in plain and not Path(str(plain["localPath"])).exists():
            raise PluginError(f"open {plain['localPath']}: no such file or directory")
        with self._dialler(urn).dial(cast(Properties, plain["connection"])) as connected:
            sftp = paramiko.SFTPClient.from_transport(connected.transport)
            if sftp is None:
                raise PluginError("the host opened no SFTP session")
            forget = self.on_cancel(connected.close)
            try:
                if "localPath" in plain:
                    copying.copy_file(sftp, Path(str(plain["localPath"])), target)
                else:
                    copying.copy(sftp, cast("Asset | Archive", plain["source"]), target)
            finally:
                forget()
        return {}

    def _dialler(self, urn: str) -> Dialler:
        return Dialler(self.cancelled, self._to(self.log.status, urn))

    def _to(self, log: Callable[[str, str], None], urn: str) -> Callable[[str], None]:
        return lambda message: log(urn, message)


def _resource(urn: str) -> schema.Resource:
    token = urn.split("::")[2].rsplit("$", 1)[-1]
    if token not in schema.RESOURCES:
        raise NotModelledError(f"the resource type {token} is not modelled by the sandbox's plugin {schema.NAME}")
    return schema.RESOURCES[token]


def _with_ignored(request: Any) -> Properties:
    """The new inputs of a request, with the old values of the top-level properties in ignoreChanges."""
    state, inputs = decode(request.olds), decode(request.news)
    for text in request.ignoreChanges:
        path = parse_path(text)
        if len(path) == 1 and path[0] in state:
            inputs[str(path[0])] = state[str(path[0])]
    return inputs


def _results(resource: schema.Resource, state: Mapping[str, Value]) -> Properties:
    return {result.name: reveal(state[result.name]) for result in resource.results if result.name in state}


def _environment(inputs: Mapping[str, Value]) -> dict[str, str]:
    return cast("dict[str, str]", inputs.get("environment") or {})


def _previous(inputs: Mapping[str, Value], last: Mapping[str, Value]) -> dict[str, str]:
    """What the command finds of its last run in its environment."""
    if inputs.get("addPreviousOutputInEnv") is False:
        return {}
    pairs = {_PREVIOUS_STDOUT: last.get("stdout"), _PREVIOUS_STDERR: last.get("stderr")}
    return {name: text for name, text in pairs.items() if isinstance(text, str) and text}


def _must_copy(state: Mapping[str, Value], inputs: Mapping[str, Value]) -> bool:
    return getattr(state.get("source"), "hash", "") != getattr(inputs["source"], "hash", "") or (
        state.get("remotePath") != inputs["remotePath"]
    )


def _source_failures(source: Value) -> list[Failure]:
    if isinstance(source, Asset) and source.path is None and source.text is None:
        return [Failure("asset", "asset must be a path-based file asset or a text asset")]
    if isinstance(source, Archive) and source.path is None:
        return [Failure("archive", "archive must be a path to a file or directory")]
    return []


def _on_the_wire(failures: list[Failure]) -> list[provider_pb2.CheckFailure]:
    return [provider_pb2.CheckFailure(property=failure.property, reason=failure.reason) for failure in failures]
