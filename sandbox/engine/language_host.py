"""Stands in for pulumi-language-python, whose module cannot be had: runs programs and policy packs of this project.

It differs from the original: the environment is a virtualenv (runtime option `virtualenv`), not uv, poetry or the
Python on PATH; it installs nothing, makes no SDKs and projects, attaches no debugger, and has nothing for `pulumi
about`. Each is refused by name. The Python side (the SDK, and the file that starts a program) is the original's.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from sandbox.engine import serving
from sandbox.engine.python_environment import (
    EnvironmentProblemError,
    PythonEnvironment,
    installed_pulumi_packages,
    project_environment,
    require,
)
from sandbox.toolchain.build import tool_named

NAME = "stand-in for pulumi-language-python"
# With this code the program says that it has already reported what is wrong.
_ALREADY_REPORTED = 32
_SECONDS_TO_END = 5.0


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """`engine`: "host:port" of the engine; `executor`: the file pulumi-language-python-exec."""

    def __init__(self, engine: str, executor: Path) -> None:
        self._engine = engine
        self._executor = executor
        self._running: set[Process] = set()
        self._cancelled = False

    async def Handshake(self, request: Any, context: Any) -> language_pb2.LanguageHandshakeResponse:
        return language_pb2.LanguageHandshakeResponse()

    async def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=tool_named("pulumi").version)

    async def RuntimeOptionsPrompts(self, request: Any, context: Any) -> language_pb2.RuntimeOptionsResponse:
        return language_pb2.RuntimeOptionsResponse()

    async def GetRequiredPackages(self, request: Any, context: Any) -> language_pb2.GetRequiredPackagesResponse:
        packages = [
            plugin_pb2.PackageDependency(name=sdk.name, kind="resource", version=sdk.version, server=sdk.server)
            for sdk in installed_pulumi_packages(await self._environment(request.info, context))
        ]
        return language_pb2.GetRequiredPackagesResponse(packages=packages)

    async def Run(self, request: Any, context: Any) -> language_pb2.RunResponse:
        environment = await self._environment(request.info, context)
        await _no_debugger(request, context)
        command = [
            environment.python, "-u", str(self._executor),
            "--monitor", request.monitor_address, "--engine", self._engine,
            "--project", request.project, "--stack", request.stack, "--organization", request.organization,
            "--pwd", request.pwd, "--root_directory", request.info.root_directory,
            "--dry_run", "true" if request.dryRun else "false", "--parallel", str(request.parallel),
            os.path.normpath(Path(request.info.program_directory) / request.info.entry_point), *request.args,
        ]  # fmt: skip
        variables = environment.variables(os.environ)
        variables["PULUMI_CONFIG"] = json.dumps(dict(request.config))
        variables["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(list(request.configSecretKeys))
        async with self._started(command, request.pwd, variables) as process:
            code = await process.wait()
        if code == _ALREADY_REPORTED:
            return language_pb2.RunResponse(bail=True)
        if self._cancelled:
            return language_pb2.RunResponse(error="the program was cancelled")
        if code < 0:
            return language_pb2.RunResponse(error=f"program was ended by {signal.Signals(-code).name}")
        return language_pb2.RunResponse(error=f"program exited with non-zero exit code: {code}" if code else "")

    async def RunPlugin(self, request: Any, context: Any) -> AsyncIterator[language_pb2.RunPluginResponse]:
        environment = await self._environment(request.info, context)
        await _no_debugger(request, context)
        base = dict(entry.split("=", 1) for entry in request.env) if request.env else os.environ
        command = [environment.python, "-u", request.info.program_directory, *request.args]
        async with self._started(command, request.pwd, environment.variables(base), PIPE) as process:
            async for response in _output(process):
                yield response
            yield language_pb2.RunPluginResponse(exitcode=await process.wait())

    async def InstallDependencies(
        self, request: Any, context: Any
    ) -> AsyncIterator[language_pb2.InstallDependenciesResponse]:
        # The interceptor that names what is refused sees no streams.
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the sandbox's {NAME} does not serve InstallDependencies")
        yield language_pb2.InstallDependenciesResponse()

    async def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        await self.cancel()
        return empty_pb2.Empty()

    async def cancel(self) -> None:
        """Ends every program and policy pack, also those that still start."""
        self._cancelled = True
        await asyncio.gather(*(_end(process) for process in self._running))

    @asynccontextmanager
    async def _started(
        self, command: Sequence[str], folder: str, variables: Mapping[str, str], output: int | None = None
    ) -> AsyncIterator[Process]:
        """The process, until the block is left or the engine gives up the call."""
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder or None, env=variables, stdin=DEVNULL, stdout=output, stderr=output
        )
        self._running.add(process)
        try:
            if self._cancelled:
                await _end(process)
            yield process
        finally:
            await _end(process)
            self._running.discard(process)

    async def _environment(self, info: Any, context: Any) -> PythonEnvironment:
        options = json_format.MessageToDict(info.options)
        directory = Path(info.root_directory or info.program_directory)
        try:
            environment = project_environment(options, directory)
            require(environment, str(options.get("virtualenv")))
        except EnvironmentProblemError as problem:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"{directory}: {problem}")
            raise
        return environment


async def _no_debugger(request: Any, context: Any) -> None:
    if request.attach_debugger:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the sandbox's {NAME} attaches no debugger")


async def _end(process: Process) -> None:
    """Asks the process to end, and after some seconds makes it."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _SECONDS_TO_END)
    except TimeoutError:
        process.kill()


async def _output(process: Process) -> AsyncIterator[language_pb2.RunPluginResponse]:
    """What comes by standard output and error, until both are closed."""
    chunks: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    async def pump(kind: str, stream: asyncio.StreamReader | None) -> None:
        chunk = b"-"
        while chunk and stream is not None:
            chunk = await stream.read(65536)
            await chunks.put((kind, chunk))

    async with asyncio.TaskGroup() as pumps:
        pumps.create_task(pump("stdout", process.stdout))
        pumps.create_task(pump("stderr", process.stderr))
        still_open = 2
        while still_open:
            kind, chunk = await chunks.get()
            still_open -= not chunk
            if chunk and kind == "stdout":
                yield language_pb2.RunPluginResponse(stdout=chunk)
            elif chunk:
                yield language_pb2.RunPluginResponse(stderr=chunk)


def main() -> None:
    """`--exec FILE [flags of the engine] ENGINE_ADDRESS`; prints the port that it serves on."""
    words = sys.argv[1:]
    host = LanguageHost(words[-1], Path(words[words.index("--exec") + 1]))
    serving.run(NAME, lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server), host.cancel)
