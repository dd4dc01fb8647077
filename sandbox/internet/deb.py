"""Debian packages of files from anywhere, built by dpkg-deb: the same content gives the same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.internet.archive import Entry

ARCHITECTURE = "amd64"


class PackageError(Exception):
    """dpkg-deb could not build a package; the message has what it said."""


@dataclass(frozen=True)
class Package:
    """What goes into a package. `scripts` are maintainer scripts by name (`postinst`); `depends` its relations."""

    name: str
    version: str
    description: str
    entries: Sequence[Entry]
    depends: Sequence[str] = ()
    provides: Sequence[str] = ()
    conflicts: Sequence[str] = ()
    conffiles: Sequence[str] = ()
    scripts: Mapping[str, str] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        return f"{self.name}_{self.version}_{ARCHITECTURE}.deb"

    def control(self) -> str:
        relations = {
            "Depends": self.depends,
            "Provides": self.provides,
            "Conflicts": self.conflicts,
            "Replaces": self.conflicts,
        }
        lines = [
            f"Package: {self.name}",
            f"Version: {self.version}",
            f"Architecture: {ARCHITECTURE}",
            "Maintainer: quorate sandbox <sandbox@quorate.invalid>",
            *(f"{key}: {', '.join(names)}" for key, names in relations.items() if names),
            "Section: admin",
            "Priority: optional",
            f"Description: {self.description}",
        ]
        return "\n".join(lines) + "\n"


def build(package: Package, into: Path) -> Path:
    """Writes the package file into a folder and returns its path. Raises PackageError."""
    into.mkdir(parents=True, exist_ok=True)
    result = into / package.file_name
    with tempfile.TemporaryDirectory(dir=into) as work:
        tree = Path(work) / "tree"
        for entry in package.entries:
            _place(tree, entry)
        _place(tree, Entry("DEBIAN/control", package.control().encode()))
        for name, text in package.scripts.items():
            _place(tree, Entry(f"DEBIAN/{name}", text.encode(), 0o755))
        if package.conffiles:
            _place(tree, Entry("DEBIAN/conffiles", "".join(f"{path}\n" for path in package.conffiles).encode()))
        # Level 1: what reads it is on the same host.
        command = ["dpkg-deb", "--root-owner-group", "-Zzstd", "-z1", "--build", str(tree), str(result)]
        outcome = subprocess.run(
            command, env={**os.environ, "SOURCE_DATE_EPOCH": "0"}, capture_output=True, text=True, umask=0o022
        )
    if outcome.returncode:
        raise PackageError(f"{package.name}: dpkg-deb ended with {outcome.returncode}:\n{outcome.stderr.strip()}")
    return result


def _place(tree: Path, entry: Entry) -> None:
    path = tree / entry.path
    _folder(path.parent if entry.content is not None else path)
    if isinstance(entry.content, Path):
        shutil.copyfile(entry.content, path)
    elif entry.content is not None:
        path.write_bytes(entry.content)
    if entry.content is not None:
        path.chmod(entry.mode)


def _folder(path: Path) -> None:
    for above in (*reversed(path.parents), path):
        if not above.exists():
            above.mkdir()
            above.chmod(0o755)  # whatever the umask is
