"""Files that are replaced whole, and only where they differ."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def install_text(path: Path, text: str, mode: int = 0o644) -> bool:
    """Makes `text` the content of `path` in one step; True only if that changed the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if content_of(path) == text:
        return False
    descriptor, temporary = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True


def content_of(path: Path) -> str | None:
    """The text of a file, None where there is none."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return None
