"""Removes builds that the cache no longer needs: all but this checkout's own and, of each kind, the latest other."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Collection, Iterable
from itertools import groupby
from pathlib import Path

from sandbox import claim, host, image, internet
from sandbox.errors import SandboxError
from sandbox.paths import cache_dir
from sandbox.toolchain.build import alone, bin_dir
from sandbox.toolchain.tools import TOOLS

Say = Callable[[str], None]

_BUILD = re.compile(r"(?P<kind>.+)-[0-9a-f]{12}")
_UNFINISHED = re.compile(r".+-[0-9a-f]{12}(\.partial-.+|\.work|\.done)")
_ABANDONED_SECONDS = 24 * 3600


def prune(say: Say) -> None:
    """Removes what is unneeded, by name. Raises SandboxError while a sandbox is up: its machines run on a build."""
    host.require_root()
    state = claim.holder()
    if state is not None and state.is_dir():
        raise SandboxError("a sandbox is up, and its machines run on the cache; `python -m sandbox down` first")
    cache = cache_dir()
    toolchain = cache / "toolchain"
    tools = [bin_dir(tool.name) for tool in TOOLS]
    with alone(say):
        removed = [
            *superfluous(toolchain, tools),
            *superfluous(cache, [*image.current(), *internet.current()]),
            *abandoned(toolchain, time.time()),
            *abandoned(cache, time.time()),
        ]
        free = shutil.disk_usage(cache).free if removed else 0
        for path in removed:
            say(f"prune: removing {path}")
            shutil.rmtree(path)
    if not removed:
        say(f"prune: nothing in {cache} is unneeded")
        return
    say(f"prune: {len(removed)} builds removed, {(shutil.disk_usage(cache).free - free) / 2**30:.1f} GiB freed")


def superfluous(folder: Path, current: Collection[Path]) -> list[Path]:
    """The builds in a folder that are neither current nor, of each kind, the latest other.

    Another checkout on the same cache, or the last commit, finds its own there again.
    """
    others = sorted((path for path in _folders(folder) if _kind(path) and path not in current), key=_kind)
    kinds = [sorted(paths, key=lambda path: path.stat().st_mtime) for _, paths in groupby(others, key=_kind)]
    return [path for paths in kinds for path in paths[:-1]]


def abandoned(folder: Path, now: float) -> list[Path]:
    """Builds that were begun more than a day before `now` and never finished."""
    found = (path for path in _folders(folder) if _UNFINISHED.fullmatch(path.name))
    return [path for path in found if now - path.stat().st_mtime > _ABANDONED_SECONDS]


def _folders(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ()


def _kind(path: Path) -> str:
    found = _BUILD.fullmatch(path.name)
    return found["kind"] if found else ""
