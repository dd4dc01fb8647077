"""Debian binary packages."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from sandbox.internet.archive import Entry, compress, write_tar

ARCHITECTURE = "amd64"


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
        """The control paragraph, without what only the built file knows."""
        size = sum(_size(entry) for entry in self.entries)
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
            f"Installed-Size: {size // 1024 + 1}",
            *(f"{key}: {', '.join(names)}" for key, names in relations.items() if names),
            "Section: admin",
            "Priority: optional",
            f"Description: {self.description}",
        ]
        return "\n".join(lines) + "\n"


def build(package: Package, into: Path) -> Path:
    """Writes the package file into a folder and returns its path."""
    into.mkdir(parents=True, exist_ok=True)
    result = into / package.file_name
    with tempfile.TemporaryDirectory(dir=into) as work:
        tar = Path(work) / "data.tar"
        with tar.open("wb") as output:
            write_tar(package.entries, output, "./")
        data = compress(tar)
        with result.open("wb") as output:
            output.write(b"!<arch>\n")
            _member(output, "debian-binary", b"2.0\n")
            _member(output, "control.tar", _control_archive(package))
            _member(output, "data.tar.zst", data)
    return result


def _control_archive(package: Package) -> bytes:
    sums = "".join(f"{_md5(entry.content)}  {entry.path}\n" for entry in package.entries if entry.content is not None)
    entries = [
        Entry("control", package.control().encode()),
        Entry("md5sums", sums.encode()),
        *(Entry(name, text.encode(), 0o755) for name, text in package.scripts.items()),
    ]
    if package.conffiles:
        entries.append(Entry("conffiles", "".join(f"{path}\n" for path in package.conffiles).encode()))
    archive = io.BytesIO()
    write_tar(entries, archive, "./")
    return archive.getvalue()


def _member(output: BinaryIO, name: str, content: bytes | Path) -> None:
    """One member of an ar archive: a 60-byte header, the content, padded to an even length."""
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    output.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{size:<10}`\n".encode())
    if isinstance(content, bytes):
        output.write(content)
    else:
        with content.open("rb") as source:
            while piece := source.read(1 << 20):
                output.write(piece)
    if size % 2:
        output.write(b"\n")


def _size(entry: Entry) -> int:
    if isinstance(entry.content, Path):
        return entry.content.stat().st_size
    return len(entry.content or b"")


def _md5(content: bytes | Path) -> str:
    # The md5sums file of a package guards against a damaged disk, nothing else.
    digest = hashlib.md5(usedforsecurity=False)
    digest.update(content if isinstance(content, bytes) else content.read_bytes())
    return digest.hexdigest()
