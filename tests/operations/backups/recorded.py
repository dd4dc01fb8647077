"""Snapshots of `prod` of tests/operations/stacks.py, as its bucket and its machines have them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Final

from components.node.etcd.snapshot.due import iso_time
from components.node.etcd.snapshot.manifest import Manifest

NOON: Final = 1_796_040_000  # 2026-11-30T12:00:00Z
HOUR: Final = 3600
MANIFEST: Final = Manifest(
    id="20261130T120000Z-etcd-0",
    retention="daily",
    cluster="prod",
    machine="etcd-0",
    time="2026-11-30T12:00:00Z",
    etcd_version="3.6.13",
    kubernetes_version="v1.36.4",
    revision=41812,
    hash=3172201133,
    compact_revision=41022,
    keys=1213,
    bytes=12_900_384,
    sha256="7b" * 32,
    secrets_keys=["secretbox:key1"],
    etcd_authorities=["aa"],
    kubernetes_authorities=["bb"],
    compared_with=["https://10.20.32.20:2379", "https://10.20.64.20:2379", "https://10.20.96.20:2379"],
)


def manifest(moment: int, machine: str = "etcd-0", retention: str = "all", **changes: Any) -> Manifest:
    """Of a snapshot that was begun then."""
    text = iso_time(moment)
    name = f"{text.replace('-', '').replace(':', '')}-{machine}"
    return dataclasses.replace(MANIFEST, id=name, time=text, machine=machine, retention=retention, **changes)


def folder(of: Manifest) -> str:
    return f"{of.retention}/{of.id}"


def listed(*found: Manifest) -> list[dict[str, Any]]:
    """As S3 lists them."""
    return [
        each
        for one in found
        for each in (
            {"Key": f"{folder(one)}/etcd.db", "Size": one.bytes, "StorageClass": "STANDARD"},
            {"Key": f"{folder(one)}/manifest.json", "Size": len(one.text()), "StorageClass": "STANDARD"},
        )
    ]


def texts(*found: Manifest) -> Mapping[str, str]:
    """Manifests by their keys."""
    return {f"{folder(one)}/manifest.json": one.text() for one in found}


def outcome(success: Manifest | None = None, failed: int | None = None, reason: str = "") -> str:
    """What a machine has noted."""
    notes: dict[str, Any] = {}
    if success:
        notes["lastSuccess"] = dataclasses.asdict(success)
    if failed is not None:
        notes["lastFailure"] = {"id": "x", "time": iso_time(failed), "reason": reason}
    return json.dumps(notes)
