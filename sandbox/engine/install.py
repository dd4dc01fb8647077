"""Makes the Pulumi that the sandbox runs: CLI, language host and plugins, in a PULUMI_HOME of its own."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.engine.python_environment import PulumiPackage, PythonEnvironment, installed_pulumi_packages
from sandbox.errors import SandboxError
from sandbox.paths import CHECKOUT, cache_dir, state_dir
from sandbox.toolchain.build import binary, tool_named

Say = Callable[[str], None]

# Plugins that are built from Go modules, with the tool that each comes from. Others are modules of this package, run
# by our own Python.
_BUILT = {"aws": "aws", "kubernetes": "kubernetes-plugin", "tls": "tls"}
_WRITTEN = {"command": "sandbox.engine.command.__main__"}


class InstallError(SandboxError):
    """Something that Pulumi needs is missing; the message says what, and how to get it."""


@dataclass(frozen=True)
class Plugin:
    """A resource plugin to install. `content` changes when it must be installed again."""

    name: str
    version: str
    content: str


def prepare(say: Say = print) -> Mapping[str, str]:
    """Installs what is missing and returns the environment for `pulumi`. Raises InstallError.

    The first run takes some seconds; later ones only look. Runs at the same time wait for one another.
    """
    home = state_dir() / "pulumi-home"
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".quorate-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install_programs(home / "bin")
        _install_plugins(home, say)
        return _environment(home)


def _environment(home: Path) -> dict[str, str]:
    """What `pulumi` needs: the installation, stacks in files of the sandbox's own, and their passphrase."""
    stacks = state_dir() / "pulumi-state"
    stacks.mkdir(parents=True, exist_ok=True)
    # Not with the stacks: Pulumi leaves a salt for it in the stack file, which outlives the sandbox.
    passphrase = cache_dir() / "pulumi-passphrase"
    passphrase.parent.mkdir(parents=True, exist_ok=True)
    if not passphrase.exists():
        with os.fdopen(os.open(passphrase, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
    return {
        # No side files: they aren't written at once, so a pulumi killed meanwhile left a state that none can read.
        "PULUMI_BACKEND_URL": f"file://{stacks}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PATH": os.pathsep.join([str(home / "bin"), os.environ.get("PATH", os.defpath)]),
        "PULUMI_HOME": str(home),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def _install_programs(target: Path) -> None:
    """`pulumi` and `pulumi-language-python`, side by side, as the engine looks for them."""
    target.mkdir(exist_ok=True)
    # No symbolic link: the engine takes a language host without a warning only from its own executable's folder.
    built, ours = _built("pulumi", "pulumi"), target / "pulumi"
    if ours.is_symlink() or not ours.exists() or _identity(ours) != _identity(built):
        ours.unlink(missing_ok=True)
        _link_or_copy(built, ours)
    executor = _language_executor()
    _write_script(target / "pulumi-language-python", _launcher("sandbox.engine.language_host", "--exec", str(executor)))


def _language_executor() -> Path:
    """The file that starts a Python program, out of the Pulumi SDK's Go module of the engine's version."""
    cached = binary("pulumi", "pulumi").parent.with_name(f"pulumi-language-python-exec-{tool_named('pulumi').version}")
    if cached.exists():
        return cached
    go = shutil.which("go")
    if go is None:
        raise InstallError("there is no `go` on PATH to fetch pulumi-language-python-exec with; install Go 1.26")
    query = [go, "list", "-mod=readonly", "-m", "-json", "github.com/pulumi/pulumi/sdk/v3"]
    source = tool_named("pulumi").source
    answer = subprocess.run(query, cwd=source, capture_output=True, text=True)
    if answer.returncode:
        raise InstallError(f"`{' '.join(query)}` in {source} failed:\n{answer.stderr.strip()}")
    module = json.loads(answer.stdout)
    folder = module.get("Replace", module).get("Dir")
    if not folder:
        name = module["Path"]
        raise InstallError(f"the Go module cache has no {name}: run `go mod download {name}` in {source}")
    partial = cached.with_suffix(f".{os.getpid()}")
    shutil.copyfile(Path(folder) / "python" / "cmd" / "pulumi-language-python-exec", partial)
    partial.rename(cached)
    return cached


def _install_plugins(home: Path, say: Say) -> None:
    record = home / "quorate-plugins.json"
    installed: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
    for plugin in required_plugins():
        folder = home / "plugins" / f"resource-{plugin.name}-v{plugin.version}"
        if installed.get(folder.name) == plugin.content and folder.is_dir():
            continue
        say(f"engine: installing plugin {plugin.name} {plugin.version}")
        _install_plugin(plugin, home)
        installed[folder.name] = plugin.content
        record.write_text(json.dumps(installed, indent=1))


def required_plugins() -> list[Plugin]:
    """The plugins that the installed SDKs ask for. Raises InstallError for an SDK that has no plugin here."""
    plugins = []
    for package in _installed_sdks():
        if package.name in _BUILT:
            path = _built(_BUILT[package.name], f"pulumi-resource-{package.name}")
            content = f"{path} {_identity(path)}"
        elif package.name in _WRITTEN:
            content = hashlib.sha256(_launcher(_WRITTEN[package.name]).encode()).hexdigest()
        else:
            raise InstallError(f"the SDK pulumi_{package.name} is installed, but the sandbox has no plugin for it")
        plugins.append(Plugin(package.name, package.version, content))
    return plugins


def _installed_sdks() -> list[PulumiPackage]:
    return installed_pulumi_packages(PythonEnvironment(Path(sys.prefix)))


def _install_plugin(plugin: Plugin, home: Path) -> None:
    staging = home / f"staging-{plugin.name}"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    executable = staging / f"pulumi-resource-{plugin.name}"
    if plugin.name in _BUILT:
        tool = _BUILT[plugin.name]
        _link_or_copy(_built(tool, executable.name), executable)
        if tool_named(tool).bridged:
            _run([str(executable), "-schema"], os.environ)
    else:
        _write_script(executable, _launcher(_WRITTEN[plugin.name]))
    command = ["plugin", "install", "resource", plugin.name, plugin.version, "--file", str(staging), "--reinstall"]
    _run([str(home / "bin" / "pulumi"), *command], {**os.environ, **_environment(home)})
    shutil.rmtree(staging)


def _built(tool: str, command: str) -> Path:
    path = binary(tool, command)
    if not path.exists():
        raise InstallError(f"{command} has not been built ({path} is missing): run `python -m sandbox.toolchain` first")
    return path


def _identity(file: Path) -> str:
    stat = file.stat()
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _launcher(module: str, *arguments: str) -> str:
    """A shell script that runs `main` of a module of this checkout, without PYTHONPATH: children would inherit it."""
    start = f"import sys; sys.path.insert(0, sys.argv.pop(1)); from {module} import main; main()"
    words = [sys.executable, "-c", start, str(CHECKOUT), *arguments]
    return f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'


def _write_script(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text)
    partial.chmod(0o755)
    partial.rename(path)


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True)
    if outcome.returncode:
        raise InstallError(f"`{shlex.join(command)}` failed:\n{(outcome.stderr or outcome.stdout).strip()}")
