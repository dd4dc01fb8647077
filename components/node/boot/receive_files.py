"""Installs the files of a bundle on standard input: all of them or, unless all arrived, none.

It may run from the very files that it replaces, so it imports all that it needs before it begins.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from components.node.common import log
from components.node.common.bundle import BundleError, read_bundle
from components.node.common.failure import Failure
from components.node.common.files import install_text
from components.node.common.programs import run
from components.node.common.step import run_step

PROGRAM, UNITS = "/opt/quorate/", "/etc/systemd/system/"
_OWN = (PROGRAM, "/etc/quorate/", UNITS)
# What a release brings with it: a bundle with any file of the program has all of them.
_RELEASED = ("opt/quorate/bin", "opt/quorate/lib", "opt/quorate/share")
# No bundle brings them: the first calls this program on machines that a former release made; the machine writes the
# second itself.
_KEPT = {"/opt/quorate/bin/receive-files.sh", "/opt/quorate/share/patches/kubeletconfiguration-instance+merge.yaml"}
_COMPILED = "__pycache__"


def receive(text: str, root: Path = Path("/")) -> None:
    """Raises Failure for a bundle that is cut off, or has a path that is not this program's; then nothing changed."""
    try:
        files = read_bundle(text)
    except BundleError as error:
        raise Failure(f"nothing was installed: {error}") from error
    if refused := [file.path for file in files if not may_be_written(file.path)]:
        raise Failure(f"nothing was installed: {', '.join(refused)} would be outside of {', '.join(_OWN)}")
    # Whatever folder is missing may come to hold a key.
    os.umask(0o077)
    units_changed = False
    for file in files:
        if install_text(root / file.path.lstrip("/"), file.content, int(file.mode, 8)):
            log.report(f"installed {file.path}")
            units_changed = units_changed or file.path.startswith(UNITS)
    present = (f"/{path.relative_to(root)}" for folder in _RELEASED for path in _files_below(root / folder))
    for name in sorted(obsolete(present, [file.path for file in files])):
        (root / name.lstrip("/")).unlink()
        log.report(f"removed {name}, which is of an older release")
    if units_changed:
        run(["systemctl", "daemon-reload"])


def may_be_written(path: str) -> bool:
    """Only the places that belong to this program."""
    return path.startswith(_OWN) and ".." not in path and "//" not in path and not path.endswith("/")


def obsolete(present: Iterable[str], delivered: Iterable[str]) -> set[str]:
    """Which of the released files that are `present` go, as `delivered` no longer has them."""
    kept = {*delivered, *_KEPT}
    if not any(path.startswith(PROGRAM) for path in kept - _KEPT):
        return set()
    return {path for path in present if path not in kept and not _belongs_to(path, kept)}


def _belongs_to(path: str, kept: set[str]) -> bool:
    """Whether it is what Python compiled from a file that stays."""
    folder, _, name = path.rpartition("/")
    source, compiled, _ = folder.rpartition(_COMPILED)
    return bool(compiled) and f"{source}{name.split('.')[0]}.py" in kept


def _files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]


def main(arguments: Sequence[str]) -> int:
    # Bytes: a carriage return in a file is part of it.
    return run_step("receive-files", lambda: receive(sys.stdin.buffer.read().decode()))
