"""Where the data of a restore comes from: the bucket, or what an earlier restore has set aside on this disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from components.node.common import log
from components.node.common.failure import Failure
from components.node.etcd.snapshot.fetch import Offer, fetch, read_offer
from components.node.etcd.snapshot.room import check_room
from components.node.restore.data import RestoredData


class Source(Protocol):
    """What etcdutl restores."""

    @property
    def options(self) -> Sequence[str]:
        """Further ones of `etcdutl snapshot restore`."""

    def fetch(self, path: Path) -> None:
        """Writes the database to `path`. Raises Failure."""


@dataclass(frozen=True)
class FromBucket:
    offer: Offer

    @property
    def options(self) -> Sequence[str]:
        return ()

    def fetch(self, path: Path) -> None:
        fetch(self.offer, path, beside=self.offer.manifest.bytes)


@dataclass(frozen=True)
class FromSetAside:
    """The database of a member that had stopped: it has no checksum of its own."""

    database: Path

    @property
    def options(self) -> Sequence[str]:
        return ("--skip-hash-check",)

    def fetch(self, path: Path) -> None:
        log.report(f"copying {self.database}")
        try:
            check_room(path.parent, 2 * self.database.stat().st_size, "the data that was set aside", "it was not taken")
            shutil.copyfile(self.database, path)
        except OSError as error:
            raise Failure(f"{self.database} can't be copied: {error}") from error


def source_of(given: Mapping[str, Any], disk: Path) -> Source:
    """`given` has a restore's id as setAsideBy, or else what an Offer is made of. Raises Failure for anything else."""
    if "setAsideBy" in given:
        return FromSetAside(database_before(str(given["setAsideBy"]), disk))
    return FromBucket(read_offer(json.dumps(given)))


def database_before(restore: str, disk: Path) -> Path:
    """Of the data that a restore has set aside."""
    return RestoredData(restore, disk=disk).before / "member" / "snap" / "db"
