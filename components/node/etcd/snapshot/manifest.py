"""What lies beside each snapshot in the bucket. A snapshot without one does not count."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from components.node.common.failure import Failure
from components.node.etcd.snapshot.due import read_time

DATABASE: Final = "etcd.db"
MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1


@dataclass(frozen=True)
class Manifest:
    """manifest.json: these fields by their names; more may come, without another `format`.

    It is written when the snapshot was restored and compared with the living members, so `verified` is always true.
    What a restore needs beside the snapshot is named here, and never contained.
    """

    id: str
    retention: str  # monthly, daily or all: the folder that it lies in
    cluster: str
    machine: str
    time: str  # When it was begun, as in 2026-11-27T21:26:58Z.
    etcd_version: str
    kubernetes_version: str  # Such as v1.34.2, as kubeadm's ConfigMap in the snapshot has it; "" without one.
    revision: int
    hash: int  # etcd's HashKV at that revision, where what was before `compact_revision` is forgotten.
    compact_revision: int
    keys: int
    bytes: int  # Of etcd.db, with the 32 bytes of etcd's own SHA-256 at its end.
    sha256: str  # Of all of etcd.db, in hexadecimal.
    secrets_keys: Sequence[str]  # The keys that Secrets are encrypted with, PROVIDER:NAME as in secretbox:key1.
    etcd_authorities: Sequence[str]  # SHA-256 of the certificates in DER, in hexadecimal.
    kubernetes_authorities: Sequence[str]
    compared_with: Sequence[str]  # The members (client URLs) that held the same.
    verified: bool = True
    format: int = _FORMAT

    def text(self) -> str:
        return f"{json.dumps(dataclasses.asdict(self), indent=2, sort_keys=True)}\n"


def read_manifest(text: str) -> Manifest:
    """What `Manifest.text` wrote. Raises Failure for anything else, and for another format."""
    try:
        return manifest_of(json.loads(text))
    except ValueError as error:
        raise Failure(f"the manifest is not JSON: {error}") from error


def manifest_of(found: Any) -> Manifest:
    """From its JSON, where fields that are not known here say nothing. Raises Failure."""
    if not isinstance(found, dict):
        raise Failure("the manifest is not an object")
    if found.get("format") != _FORMAT:
        raise Failure(
            f"the manifest has the format {found.get('format')!r}, and this release reads {_FORMAT}: use the release "
            "that wrote it, or a later one"
        )
    fields = {each.name: each.type for each in dataclasses.fields(Manifest)}
    wrong = [name for name, kind in fields.items() if not _fits(found.get(name), str(kind))]
    if wrong:
        raise Failure(f"the manifest lacks {', '.join(wrong)}, or has it in another form")
    try:
        read_time(found["time"])
    except ValueError:
        raise Failure(f"the manifest has the time {found['time']!r}, which is none") from None
    return Manifest(**{name: found[name] for name in fields})


def _fits(value: Any, kind: str) -> bool:
    match kind:
        case "str":
            return isinstance(value, str)
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool) and value >= 0
        case _:
            return isinstance(value, list) and all(isinstance(each, str) for each in value)
