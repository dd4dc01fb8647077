"""Tar archives of packages and image layers: the same entries give the same bytes."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from gzip import GzipFile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

_COMPRESS = ("zstd", "-1", "-T0", "--quiet", "--force", "--rm")


@dataclass(frozen=True)
class Entry:
    """One path of an archive, without a leading slash.

    `content` is the bytes of a file, or the host's file that holds them; None makes a folder, unless `target`
    makes it a symbolic link. `owner` is a user id.
    """

    path: str
    content: bytes | Path | None = None
    mode: int = 0o644
    target: str = ""
    owner: int = 0


def program(path: str, content: bytes | Path) -> Entry:
    return Entry(path, content, 0o755)


def folder(path: str, mode: int = 0o755) -> Entry:
    return Entry(path, None, mode)


def write_tar(entries: Iterable[Entry], output: BinaryIO | GzipFile, prefix: str = "") -> None:
    """Writes the entries, sorted and undated, with the folders above them. `prefix` is put before each path."""
    by_path = {entry.path: entry for entry in entries}
    for path in list(by_path):
        for parent in PurePosixPath(path).parents:
            if str(parent) != ".":
                by_path.setdefault(str(parent), folder(str(parent)))
    with tarfile.open(fileobj=output, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(by_path):
            _add(archive, by_path[path], prefix)


def compress(path: Path) -> Path:
    """Replaces a file by its zstd form, NAME.zst. Level 1: what reads it is on the same host."""
    subprocess.run([*_COMPRESS, str(path)], check=True)
    return path.with_name(path.name + ".zst")


def _add(archive: tarfile.TarFile, entry: Entry, prefix: str) -> None:
    item = tarfile.TarInfo(prefix + entry.path)
    item.mode = entry.mode
    item.gname = "root"
    item.uid, item.uname = entry.owner, "" if entry.owner else "root"
    if entry.target:
        item.type, item.linkname, item.mode = tarfile.SYMTYPE, entry.target, 0o777
        archive.addfile(item)
    elif entry.content is None:
        item.type = tarfile.DIRTYPE
        archive.addfile(item)
    elif isinstance(entry.content, bytes):
        item.size = len(entry.content)
        archive.addfile(item, io.BytesIO(entry.content))
    else:
        item.size = entry.content.stat().st_size
        with entry.content.open("rb") as source:
            archive.addfile(item, source)
