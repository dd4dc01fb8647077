"""The Python environment of a Pulumi project or policy pack, as its `virtualenv` option says."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path


class EnvironmentProblemError(Exception):
    """The environment is missing, or asked for in a way that is not modelled; the message says what to do."""


@dataclass(frozen=True)
class PulumiPackage:
    """An installed SDK and the plugin that belongs to it. `server` is where the plugin is downloaded; "": the usual."""

    name: str
    version: str
    server: str = ""


@dataclass(frozen=True)
class PythonEnvironment:
    """`prefix` is the virtualenv's folder."""

    prefix: Path

    @property
    def python(self) -> str:
        return str(self.prefix / "bin" / "python")

    def variables(self, base: Mapping[str, str]) -> dict[str, str]:
        """`base` with the environment activated, as its `activate` script would."""
        active = {key: value for key, value in base.items() if key != "PYTHONHOME"}
        active["VIRTUAL_ENV"] = str(self.prefix)
        active["PATH"] = os.pathsep.join([str(self.prefix / "bin"), base.get("PATH", os.defpath)])
        return active

    def site_packages(self) -> list[Path]:
        return sorted(self.prefix.glob("lib/python3*/site-packages"))


def project_environment(options: Mapping[str, object], directory: Path) -> PythonEnvironment:
    """The environment for a project whose file lies in `directory`. Raises EnvironmentProblemError."""
    toolchain = options.get("toolchain", "pip")
    if toolchain != "pip":
        raise EnvironmentProblemError(f"runtime option toolchain: found {toolchain!r}; only `pip` is modelled")
    for name in sorted(set(options) - {"toolchain", "virtualenv"}):
        if options[name] not in (None, "", "None"):
            raise EnvironmentProblemError(f"runtime option {name}: found {options[name]!r}; the option is not modelled")
    virtualenv = str(options.get("virtualenv") or "")
    if not virtualenv:
        raise EnvironmentProblemError("runtime option virtualenv: missing; a Python outside of one is not modelled")
    return PythonEnvironment(Path(os.path.normpath(directory / virtualenv)))


def require(environment: PythonEnvironment, virtualenv: str) -> None:
    """Raises EnvironmentProblemError unless the environment can run Python."""
    prefix = environment.prefix
    if (prefix / "bin" / "python").exists():
        return
    found = "is not a virtual environment (it has no bin/python)" if prefix.exists() else "doesn't exist"
    raise EnvironmentProblemError(
        f"the 'virtualenv' option is set to {virtualenv!r}, but {prefix} {found}; create it and install the "
        "dependencies into it:\n"
        f"    python3 -m venv {prefix}\n    {prefix}/bin/python -m pip install -r requirements.txt"
    )


def installed_pulumi_packages(environment: PythonEnvironment) -> list[PulumiPackage]:
    """The SDKs in the environment that need a resource plugin, by the pulumi-plugin.json that each carries."""
    found: dict[str, PulumiPackage] = {}
    for folder in environment.site_packages():
        for file in sorted(folder.glob("pulumi*/pulumi-plugin.json")):
            package = _read_package(file, folder)
            if package is not None:
                found.setdefault(package.name, package)
    return list(found.values())


def _read_package(file: Path, folder: Path) -> PulumiPackage | None:
    try:
        content = json.loads(file.read_text())
    except ValueError as problem:
        raise EnvironmentProblemError(f"{file}: not JSON ({problem}); reinstall the package") from problem
    if not content.get("resource"):
        return None
    if content.get("parameterization"):
        raise EnvironmentProblemError(f"{file}: parameterized packages are not modelled")
    name = content.get("name") or file.parent.name.removeprefix("pulumi_")
    version = content.get("version") or _distribution_version(file.parent.name, folder)
    return PulumiPackage(name, version, content.get("server", ""))


def _distribution_version(package: str, folder: Path) -> str:
    for distribution in metadata.distributions(path=[str(folder)]):
        if distribution.metadata["Name"].replace("-", "_").lower() == package.lower():
            return distribution.version
    raise EnvironmentProblemError(f"{folder / package}: neither pulumi-plugin.json nor a dist-info gives its version")
