"""Whose data a disk holds: its mark names the certificate authority of the cluster, as `sha256sum` prints it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from components.node.common.failure import Failure
from components.node.common.files import content_of, install_text

DISK = Path("/var/lib/etcd")


def mark_path(disk: Path = DISK) -> Path:
    return disk / "cluster-ca.sha256"


def is_marked(disk: Path = DISK) -> bool:
    """Whether the disk holds the data of a cluster."""
    return mark_path(disk).exists()


def check_mark(authority: Path, volume: str, disk: Path = DISK) -> None:
    """Raises Failure for another cluster's disk, which must not be taken over, and never wiped."""
    if content_of(mark_path(disk)) not in (None, _mark(authority)):
        raise Failure(
            f"volume {volume} holds the data of a cluster with another certificate authority; nothing was changed."
            " Attach the volume of this cluster"
        )


def write_mark(authority: Path, disk: Path = DISK) -> None:
    """`authority` is the certificate's file."""
    install_text(mark_path(disk), _mark(authority))


def _mark(authority: Path) -> str:
    return f"{hashlib.sha256(authority.read_bytes()).hexdigest()}  -\n"
