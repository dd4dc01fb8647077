"""Programs of the machine image with the libraries they load, to put into images that need them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from sandbox.internet.archive import Entry

_MERGED = ("bin", "lib", "lib64", "sbin")


class MissingFile(Exception):
    """The machine image lacks a file that an image is made of."""


def entries_for(tree: Path, programs: Iterable[str], folders: Iterable[str] = ()) -> list[Entry]:
    """Archive entries of programs below `tree` (absolute paths), of all in `folders`, and of what they load."""
    wanted = [*programs, *(path for name in folders for path in _files_in(tree, name))]
    found: dict[str, Entry] = {}
    for path in (*wanted, *_libraries(tree, wanted)):
        for entry in _with_links(tree, path):
            found[entry.path] = entry
    for name in _MERGED:
        if (tree / name).is_symlink():
            found[name] = Entry(name, target=str((tree / name).readlink()))
    return list(found.values())


def unpacked_over(tree: Path, packages: Iterable[Path], work: Path) -> Path:
    """A copy of the tree in the folder `work`, with packages unpacked into it. Needs one disk: files are links."""
    copy = work / "tree"
    subprocess.run(["cp", "--archive", "--link", str(tree), str(copy)], check=True)
    for package in packages:
        # /sbin and its like are links in the tree and folders in older packages; links stay.
        unpack = ["tar", "--extract", "--keep-directory-symlink", "--no-overwrite-dir", "--directory", str(copy)]
        content = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(package)], capture_output=True, check=True)
        subprocess.run(unpack, input=content.stdout, check=True)
    return copy


def _files_in(tree: Path, name: str) -> list[str]:
    return [f"{name}/{path.name}" for path in (tree / name.lstrip("/")).iterdir() if path.is_file()]


def _libraries(tree: Path, programs: Iterable[str]) -> list[str]:
    """What the dynamic loader of the tree would load for the programs."""
    outcome = subprocess.run(["chroot", str(tree), "ldd", *programs], capture_output=True, text=True)
    missing = re.findall(r"^\s*(\S+) => not found", outcome.stdout, re.MULTILINE)
    if missing or "No such file" in outcome.stderr:
        raise MissingFile(f"in {tree}: {', '.join(missing) or outcome.stderr.strip()}")
    return sorted(set(re.findall(r"(/\S+) \(0x", outcome.stdout)))


def _with_links(tree: Path, path: str) -> Iterator[Entry]:
    """A file and the symbolic links that lead to it, each under the name that the merged /usr gives it."""
    seen: set[str] = set()
    while path not in seen:
        seen.add(path)
        parent = PurePosixPath(os.path.realpath(tree / str(PurePosixPath(path).parent).lstrip("/")))
        inside = parent.relative_to(os.path.realpath(tree)) / PurePosixPath(path).name
        source = tree / inside
        if source.is_symlink():
            target = str(source.readlink())
            yield Entry(str(inside), target=target)
            path = os.path.normpath(target if target.startswith("/") else f"/{inside.parent}/{target}")
        elif source.is_file():
            yield Entry(str(inside), source, 0o755 if os.access(source, os.X_OK) else 0o644)
            return
        else:
            raise MissingFile(f"{tree} has no {path}")
