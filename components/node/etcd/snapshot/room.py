"""Whether a disk has room for what is about to be written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from components.node.common.failure import Failure
from components.node.etcd.snapshot.progress import size_text

# For who else writes there, etcd itself above all.
SPARE_BYTES: Final = 1024**3


def check_room(disk: Path, size: int, what: str, undone: str) -> None:
    """Raises Failure, with what was left `undone`, unless `disk` has room for `what`, of `size` bytes, and to spare."""
    free, needed = shutil.disk_usage(disk).free, size + SPARE_BYTES
    if free < needed:
        raise Failure(
            f"{disk} has {size_text(free)} free, and {what} takes up to {size_text(needed)}: {undone}. Raise "
            "etcd.volumeGib and run pulumi up, or remove what does not belong there"
        )
