"""Python language host for the Pulumi engine: runs programs and policy packs in the environment of their project."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from sandbox.engine import serving
from sandbox.engine.processes import Processes, end, output
from sandbox.engine.python_environment import (
    EnvironmentProblemError,
    PythonEnvironment,
    installed_distributions,
    installed_pulumi_packages,
    project_environment,
    require,
)

VERSION = "3.259.0"
# With this code the program says that it has already told the person what is wrong.
_ALREADY_TOLD = 32


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """`engine`: "host:port" of the engine; `executor`: the file pulumi-language-python-exec."""

    def __init__(self, engine: str, executor: Path) -> None:
        self._engine = engine
        self._executor = executor
        self._processes = Processes()

    def Handshake(self, request: Any, context: Any) -> language_pb2.LanguageHandshakeResponse:
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> language_pb2.RuntimeOptionsResponse:
        return language_pb2.RuntimeOptionsResponse()

    def GetRequiredPackages(self, request: Any, context: Any) -> language_pb2.GetRequiredPackagesResponse:
        installed = installed_pulumi_packages(self._environment(request.info, context))
        packages = [
            plugin_pb2.PackageDependency(name=sdk.name, kind="resource", version=sdk.version, server=sdk.server)
            for sdk in installed
        ]
        return language_pb2.GetRequiredPackagesResponse(packages=packages)

    def About(self, request: Any, context: Any) -> language_pb2.AboutResponse:
        python = self._environment(request.info, context).python
        answer = subprocess.run([python, "--version"], capture_output=True, text=True, check=True)
        return language_pb2.AboutResponse(executable=python, version=answer.stdout.split()[-1])

    def GetProgramDependencies(self, request: Any, context: Any) -> language_pb2.GetProgramDependenciesResponse:
        environment = self._environment(request.info, context)
        found = installed_distributions(environment, request.transitiveDependencies)
        dependencies = [language_pb2.DependencyInfo(name=name, version=version) for name, version in found]
        return language_pb2.GetProgramDependenciesResponse(dependencies=dependencies)

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[language_pb2.InstallDependenciesResponse]:
        environment = self._environment(request.info, context, must_exist=False)
        directory = Path(request.directory)
        commands: list[list[str]] = []
        if environment.prefix is not None and not (environment.prefix / "bin" / "python").exists():
            commands.append([PythonEnvironment(None).python, "-m", "venv", str(environment.prefix)])
        if (directory / "requirements.txt").exists():
            commands.append([environment.python, "-m", "pip", "install", "-r", "requirements.txt"])
        elif (directory / "pyproject.toml").exists():
            commands.append([environment.python, "-m", "pip", "install", "-e", "."])
        for command in commands:
            with self._processes.started(command, str(directory), os.environ, piped=True) as process:
                for kind, chunk in output(process):
                    yield language_pb2.InstallDependenciesResponse(**{kind: chunk})
                code = process.wait()
            if code:
                context.abort(grpc.StatusCode.UNKNOWN, f"`{' '.join(command)}` ended with exit code {code}")

    def Run(self, request: Any, context: Any) -> language_pb2.RunResponse:
        if request.attach_debugger:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "attaching a debugger is not modelled by this language host")
        environment = self._environment(request.info, context)
        program = os.path.normpath(Path(request.info.program_directory) / request.info.entry_point)
        command = [
            environment.python, "-u", str(self._executor),
            "--monitor", request.monitor_address, "--engine", self._engine,
            "--project", request.project, "--stack", request.stack, "--organization", request.organization,
            "--pwd", request.pwd, "--root_directory", request.info.root_directory,
            "--dry_run", "true" if request.dryRun else "false", "--parallel", str(request.parallel),
            program, *request.args,
        ]  # fmt: skip
        variables = environment.variables(os.environ)
        variables["PULUMI_CONFIG"] = json.dumps(dict(request.config))
        variables["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(list(request.configSecretKeys))
        with self._processes.started(command, request.pwd, variables, piped=False) as process:
            context.add_callback(lambda: end(process))
            code = process.wait()
        if code == _ALREADY_TOLD:
            return language_pb2.RunResponse(bail=True)
        if self._processes.cancelled:
            return language_pb2.RunResponse(error="the program was cancelled")
        if code < 0:
            return language_pb2.RunResponse(error=f"program was ended by {signal.Signals(-code).name}")
        return language_pb2.RunResponse(error=f"program exited with non-zero exit code: {code}" if code else "")

    def RunPlugin(self, request: Any, context: Any) -> Iterator[language_pb2.RunPluginResponse]:
        if request.attach_debugger:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "attaching a debugger is not modelled by this language host")
        environment = self._environment(request.info, context)
        base = dict(entry.split("=", 1) for entry in request.env) if request.env else dict(os.environ)
        command = [environment.python, "-u", request.info.program_directory, *request.args]
        with self._processes.started(command, request.pwd, environment.variables(base), piped=True) as process:
            context.add_callback(lambda: end(process))
            for kind, chunk in output(process):
                yield _plugin_output(kind, chunk)
            yield language_pb2.RunPluginResponse(exitcode=process.wait())

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        self.cancel()
        return empty_pb2.Empty()

    def cancel(self) -> None:
        """Ends every program and policy pack."""
        self._processes.cancel()

    def _environment(self, info: Any, context: Any, must_exist: bool = True) -> PythonEnvironment:
        options = json_format.MessageToDict(info.options)
        directory = Path(info.root_directory or info.program_directory)
        try:
            environment = project_environment(options, directory)
            if must_exist:
                require(environment, str(options.get("virtualenv")))
        except EnvironmentProblemError as problem:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"{directory}: {problem}")
            raise
        return environment


def _plugin_output(kind: str, chunk: bytes) -> language_pb2.RunPluginResponse:
    if kind == "stdout":
        return language_pb2.RunPluginResponse(stdout=chunk)
    return language_pb2.RunPluginResponse(stderr=chunk)


def _not_modelled(method: str) -> Callable[[LanguageHost, Any, Any], None]:
    def refuse(host: LanguageHost, request: Any, context: Any) -> None:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{method} is not modelled by the sandbox's Python language host")

    return refuse


for _method in ("Template", "GenerateProgram", "GenerateProject", "GeneratePackage", "Pack", "Link"):
    setattr(LanguageHost, _method, _not_modelled(_method))


def main() -> None:
    """`--exec FILE [flags of the engine] ENGINE_ADDRESS`; prints the port that it serves on."""
    words = sys.argv[1:]
    executor = Path(words[words.index("--exec") + 1])
    host = LanguageHost(words[-1], executor)
    server, port = serving.start(lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server))
    serving.run_until_ended(server, port, host.cancel)
