"""A machine of etcd in a folder, with stand-ins for its programs, that a restore runs on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from components.node.etcd.client import EtcdClient
from components.node.restore.pods import StoppedPods
from components.node.restore.record import Record
from components.node.restore.this_machine import Machine
from tests.components.node.stand_ins import StandIns, stand_ins

ID = "20261128T003000Z-0a1b"
RECORD = Record(ID, "daily/20261127T120000Z-etcd-0", 1_000_000_000, "2026-11-28T00:30:00Z")
SHA256 = "0" * 64
ENCRYPTION = """\
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - secretbox: {keys: [{name: key1, secret: c2VjcmV0}]}
  - identity: {}
"""
# Makes the folder that etcdutl would.
_RESTORES = """\
if [[ $call == *"snapshot restore"* ]]; then
  folder=${call##*--data-dir=}; mkdir -p "${folder%% *}/member/snap"; printf restored >"${folder%% *}/member/snap/db"
fi"""


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    found = stand_ins(folder, monkeypatch)
    found.program("etcdutl", before=_RESTORES)
    for name in ("chown", "crictl", "ctr", "systemctl", "kubectl", "journalctl"):
        found.program(name)
    return found


def machine(folder: Path, role: str = "etcd", client: EtcdClient | None = None, **values: str) -> Machine:
    """Holds a member where it has a `client`."""
    pki = folder / "pki"
    pki.mkdir(parents=True)
    (pki / "ca.crt").write_text("no certificate")
    (folder / "etc" / "pki").mkdir(parents=True)
    (folder / "etc" / "pki" / "ca.crt").write_text("no certificate")
    (folder / "disk").mkdir()
    (folder / "manifests").mkdir()
    return Machine(
        name="etcd-0" if role == "etcd" else "control-plane-0",
        address="10.0.0.10",
        cluster="test",
        role=role,
        values={"ROLE": role, **values},
        client=client,
        etcd_pki=pki if client else None,
        kubernetes_pki=pki,
        etc=folder / "etc",
        disk=folder / "disk",
        record=folder / "restore.json",
        kept_nodes=folder / "nodes.json",
        pods=StoppedPods(folder / "manifests", folder / "stopped"),
        admin_conf=folder / "admin.conf",
    )


def has_data(disk: Path, text: str = "before") -> None:
    (disk / "data" / "member" / "snap").mkdir(parents=True)
    (disk / "data" / "member" / "snap" / "db").write_text(text)


def content(folder: Path) -> str:
    return (folder / "member" / "snap" / "db").read_text()


def given(record: Record = RECORD, **more: object) -> Mapping[str, object]:
    """What the operator's side sends."""
    return {
        "record": dict(vars(record)),
        "members": {"etcd-0": "10.0.0.10", "etcd-1": "10.0.0.11", "control-plane-0": "10.0.0.12"},
        "token": f"test-restore-{record.id}",
        **more,
    }
