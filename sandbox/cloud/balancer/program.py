"""haproxy itself: the host's where it has one, else Debian's package unpacked in the cache. No service is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.cloud.namespace import run
from sandbox.errors import SandboxError
from sandbox.host import HostError, apt_get
from sandbox.paths import cache_dir

Say = Callable[[str], None]

_LEAST = (2, 5)
"""Servers that are added while it runs are checked since this version."""
_PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin"


@dataclass(frozen=True)
class Haproxy:
    """The program, and what its environment needs beside the host's."""

    binary: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def find() -> Haproxy:
    """Raises SandboxError where there is none yet."""
    found = shutil.which("haproxy", path=_PLACES)
    if found:
        return Haproxy(Path(found))
    root = _unpacked()
    binary = root / "usr/sbin/haproxy"
    if not binary.exists():
        raise SandboxError(f"no haproxy on this host and none in {root}; `python -m sandbox up` gets it")
    libraries = sorted({str(path.parent) for path in root.rglob("*.so*")})
    return Haproxy(binary, {"LD_LIBRARY_PATH": ":".join(libraries)})


def ensure(say: Say) -> Haproxy:
    """Gets the program where there is none. Raises SandboxError."""
    try:
        found = find()
    except SandboxError:
        say("haproxy: unpacking Debian's package in the cache; nothing is installed on the host")
        _unpack(_unpacked())
        found = find()
    version = _version(found)
    if version < _LEAST:
        raise SandboxError(
            f"{found.binary} is {'.'.join(map(str, version))}; the sandbox's load balancers need "
            f"{'.'.join(map(str, _LEAST))} or newer"
        )
    return found


def _unpacked() -> Path:
    return cache_dir() / "haproxy"


def _version(program: Haproxy) -> tuple[int, ...]:
    outcome = subprocess.run(
        [str(program.binary), "-v"], env=os.environ | program.environment, capture_output=True, text=True
    )
    told = re.search(r"version (\d+)\.(\d+)", outcome.stdout)
    if outcome.returncode or not told:
        raise SandboxError(f"`{program.binary} -v` failed ({outcome.returncode}): {outcome.stderr.strip()}")
    return int(told[1]), int(told[2])


def _unpack(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"{target.name}.partial-", dir=target.parent))
    try:
        archives = work / "archives"
        (archives / "partial").mkdir(parents=True)
        # What it needs and the host lacks comes with it.
        into = ("-o", f"Dir::Cache::archives={archives}")
        download = ("--yes", "--no-install-recommends", "--download-only", *into, "install", "haproxy")
        try:
            apt_get(*download)
        except HostError:
            apt_get("update")
            apt_get(*download)
        for package in sorted(archives.glob("*.deb")):
            run("dpkg-deb", "--extract", str(package), str(work / "root"))
        # Read by haproxy after it has become an unprivileged user.
        (work / "root").chmod(0o755)
        (work / "root").rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
