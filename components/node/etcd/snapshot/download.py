"""The database of a member, copied into a file as etcdctl writes it, and checked against etcd's own checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from components.node.common import log
from components.node.common.failure import Failure
from components.node.etcd.snapshot.progress import Progress, size_text

_CHECKSUM_BYTES = 32


@dataclass(frozen=True)
class SnapshotFile:
    """`sha256` is that of the whole file, in hexadecimal."""

    path: Path
    size: int
    sha256: str


def download(pieces: Iterator[bytes], path: Path, expected: int) -> SnapshotFile:
    """Writes what `EtcdClient.snapshot` gives; about `expected` bytes are to come. Raises Failure where the stream is
    not what etcd says that it sent, and where the disk doesn't take it.
    """
    progress = Progress("copying", expected)
    whole, content, size, tail = hashlib.sha256(), hashlib.sha256(), 0, b""
    try:
        with path.open("wb") as file:
            for piece in pieces:
                file.write(piece)
                whole.update(piece)
                size += len(piece)
                tail += piece
                content.update(tail[:-_CHECKSUM_BYTES])
                tail = tail[-_CHECKSUM_BYTES:]
                progress.add(len(piece))
    except OSError as error:
        raise Failure(
            f"{path} can't be written: {error}. Make room on the disk of etcd, or raise etcd.volumeGib"
        ) from error
    if content.digest() != tail:
        raise Failure(f"what came of the snapshot, {size} bytes, does not have the checksum that etcd sent with it")
    log.report(f"copied {size_text(size)} in {progress.seconds}; the checksum is right")
    return SnapshotFile(path, size, whole.hexdigest())
