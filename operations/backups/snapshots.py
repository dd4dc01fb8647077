"""What snapshots there are, by what the bucket lists and its manifests: which count, how old, overdue or not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from components.backups.retention import overdue_minutes
from components.node.common.failure import Failure
from components.node.etcd.snapshot.due import SnapshotClass, read_time
from components.node.etcd.snapshot.manifest import DATABASE, MANIFEST, Manifest, read_manifest
from components.settings.model import BackupSettings
from operations.errors import OperationFailed
from operations.text_table import text_table

LATEST: Final = "latest"


@dataclass(frozen=True)
class Snapshot:
    """A snapshot that lies in the bucket: its manifest, or `flaw`, why it does not count. `folder` is CLASS/ID."""

    folder: str
    manifest: Manifest | None
    flaw: str = ""

    @property
    def id(self) -> str:
        return self.folder.partition("/")[2]

    @property
    def key(self) -> str:
        """That of its database."""
        return f"{self.folder}/{DATABASE}"

    @property
    def time(self) -> int:
        """When it was begun, in seconds since 1970. Only of one that counts."""
        assert self.manifest
        return read_time(self.manifest.time)


def snapshots(listed: Iterable[Mapping[str, Any]], manifests: Mapping[str, str]) -> Sequence[Snapshot]:
    """The newest first. `listed` are the objects as S3 lists them (Key, Size), `manifests` texts by their keys."""
    sizes = {str(each["Key"]): int(each["Size"]) for each in listed}
    folders = {key.rpartition("/")[0] for key in sizes}
    found = [_snapshot(folder, sizes, manifests) for folder in folders if _is_class(folder.partition("/")[0])]
    # An ID begins with its time.
    return sorted(found, key=lambda each: each.id, reverse=True)


def counting(found: Iterable[Snapshot]) -> Sequence[Snapshot]:
    return [each for each in found if each.manifest]


def chosen(found: Sequence[Snapshot], name: str) -> Snapshot:
    """The one with this ID, or the latest that counts. Raises OperationFailed where there is none that counts."""
    if name == LATEST:
        if counts := counting(found):
            return counts[0]
        raise OperationFailed("no snapshot in the bucket counts")
    one = next((each for each in found if name in (each.id, each.folder)), None)
    if one is None:
        raise OperationFailed(
            f"there is no snapshot {name} in the bucket; `python -m operations backups` lists those that there are"
        )
    if not one.manifest:
        raise OperationFailed(f"snapshot {one.id} does not count: {one.flaw}")
    return one


def problems(found: Sequence[Snapshot], backups: BackupSettings, now: float) -> Iterator[str]:
    """What an operator must look after: none counts, or the next one is overdue."""
    counts = counting(found)
    if not counts:
        yield (
            "no snapshot counts yet; the first one is begun some ten minutes after a machine's boot, or after the "
            "`pulumi up` that turns them on"
        )
        return
    last, most = counts[0], overdue_minutes(backups)
    minutes = (now - last.time) / 60
    if minutes > most:
        yield (
            f"the next one is overdue: the last one that counts, {last.id}, is {age(now - last.time)} old, and with "
            f"backups.intervalHours {backups.interval_hours} none is older than {age(most * 60)}"
        )
    elif minutes < -most:
        yield f"the last one, {last.id}, is of the future: a clock is wrong, that of its machine or that of this one"


def age(seconds: float) -> str:
    """In the two largest units: `2 d 4 h`, `3 h 20 min`, `5 min`."""
    minutes = max(0, int(seconds // 60))
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def lines(found: Iterable[Snapshot], names: Mapping[str, str], now: float) -> Iterator[str]:
    """A table, a row for each; `names` are members by their addresses."""
    return text_table([_HEAD, *(_row(each, names, now) for each in found)])


_HEAD: Final = ("ID", "CLASS", "AGE", "SIZE", "REVISION", "KEYS", "TAKEN BY", "COMPARED WITH")
_MIB: Final = 1024**2


def _row(one: Snapshot, names: Mapping[str, str], now: float) -> tuple[str, ...]:
    kind = one.folder.partition("/")[0]
    if not one.manifest:
        return (one.id, kind, "-", "-", "-", "-", "-", f"does not count: {one.flaw}")
    manifest = one.manifest
    size = f"{manifest.bytes / _MIB:.1f} MiB"
    compared = ", ".join(_member(url, names) for url in manifest.compared_with)
    numbers = (age(now - one.time), size, str(manifest.revision), str(manifest.keys))
    return (one.id, kind, *numbers, manifest.machine, compared)


def _member(url: str, names: Mapping[str, str]) -> str:
    address = url.removeprefix("https://").rpartition(":")[0]
    return names.get(address, address)


def _is_class(name: str) -> bool:
    return name in set(SnapshotClass)


def _snapshot(folder: str, sizes: Mapping[str, int], manifests: Mapping[str, str]) -> Snapshot:
    """By its manifest, which must fit what lies beside it."""
    kind, _, name = folder.partition("/")
    size = sizes.get(f"{folder}/{DATABASE}")
    if f"{folder}/{MANIFEST}" not in sizes:
        return Snapshot(folder, None, "it has no manifest: it is being added, or was cut off")
    if size is None:
        return Snapshot(folder, None, f"its {DATABASE} is gone")
    try:
        manifest = read_manifest(manifests[f"{folder}/{MANIFEST}"])
    except KeyError:
        return Snapshot(folder, None, "its manifest could not be read")
    except Failure as failure:
        return Snapshot(folder, None, str(failure))
    if (manifest.id, manifest.retention) != (name, kind):
        return Snapshot(folder, None, f"its manifest is that of {manifest.retention}/{manifest.id}")
    if manifest.bytes != size:
        return Snapshot(folder, None, f"its {DATABASE} has {size} bytes, and {manifest.bytes} by its manifest")
    if not manifest.verified:
        return Snapshot(folder, None, "by its manifest it was never restored")
    return Snapshot(folder, manifest)


def utc(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC")
