"""What lies beside each snapshot in the bucket. A snapshot without one does not count."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

DATABASE: Final = "etcd.db"
MANIFEST: Final = "manifest.json"


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
    format: int = 1

    def text(self) -> str:
        return f"{json.dumps(dataclasses.asdict(self), indent=2, sort_keys=True)}\n"
