"""take-snapshot with real etcd and a local S3: taken, restored, compared, added; and what a damaged file comes to."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from components.node.common.https import Trust
from components.node.common.s3 import Bucket
from components.node.etcd.client import EtcdClient, client_url
from components.node.etcd.snapshot.programs import Programs
from components.node.etcd.snapshot.take import Source, take_snapshot
from components.node.etcd.snapshot.trial import ServerFiles
from tests.components.node.aws_services import LocalAws, aws_of_this_process
from tests.components.node.etcd.etcd_machines import EtcdMachine, configure_all, make_authority
from tests.sandbox_cli import binary

pytestmark = [pytest.mark.engine, pytest.mark.drill]

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
ADDRESSES = {f"etcd-{n}": f"127.81.{_WORKER}.{10 + n}" for n in range(3)}
BUCKET = "quorate-test-snapshots"


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[list[EtcdMachine]]:
    """Three members, with a history of which a part is forgotten."""
    make_authority(tmp_path / "authority")
    machines = [EtcdMachine(name, address, tmp_path / name, ADDRESSES) for name, address in ADDRESSES.items()]
    try:
        for machine in machines:
            machine.prepare(tmp_path / "authority")
        for outcome in configure_all(machines):
            assert outcome.returncode == 0, outcome.stdout
        for n in range(20):
            machines[0].etcdctl("put", f"/registry/pods/{n % 5}", f"value {n}")
        machines[0].etcdctl("put", "/registry/secrets/kube-system/a", "k8s:enc:secretbox:v1:key1:sealed")
        machines[0].etcdctl("del", "/registry/pods/4")
        machines[0].etcdctl("compact", "12")
        yield machines
    finally:
        for machine in machines:
            machine.stop()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    monkeypatch.setenv("PATH", f"{binary('etcd', 'etcd').parent}:{os.environ['PATH']}")
    with aws_of_this_process(monkeypatch) as aws:
        aws.buckets[BUCKET] = {}
        yield aws


def source(machine: EtcdMachine) -> Source:
    pki = machine.folder / "pki"
    trust = Trust(pki / "ca.crt", pki / "member.crt", pki / "member.key")
    others = [address for address in machine.members.values() if address != machine.address]
    return Source(
        EtcdClient(trust, [client_url(address) for address in (machine.address, *others)]),
        machine.name,
        "test",
        Bucket(BUCKET, "arn:aws:kms:eu-central-1:111122223333:key/1"),
        1,
        ServerFiles(pki / "ca.crt", pki / "member.crt", pki / "member.key"),
        lambda: nullcontext(Programs()),
        machine.disk,
        machine.folder / "snapshot.json",
    )


def manifests(aws: LocalAws) -> list[Mapping[str, Any]]:
    return [json.loads(stored.body) for key, stored in aws.buckets[BUCKET].items() if key.endswith("manifest.json")]


def test_a_snapshot_is_taken_restored_compared_with_all_members_and_added(
    machines: list[EtcdMachine], aws: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    take_snapshot(source(machines[1]))
    (manifest,) = manifests(aws)
    print(manifest)
    print(capsys.readouterr().out)
    folder = f"monthly/{manifest['id']}"
    assert set(aws.buckets[BUCKET]) == {f"{folder}/etcd.db", f"{folder}/manifest.json"}
    hashed = json.loads(machines[0].etcdctl("endpoint", "hashkv", f"--rev={manifest['revision']}", "-w", "json"))
    assert manifest["hash"] == hashed[0]["HashKV"]["hash"]
    assert manifest["compact_revision"] == 12
    assert manifest["secrets_keys"] == ["secretbox:key1"]
    assert len(manifest["compared_with"]) == 3
    assert manifest["etcd_version"].startswith("3.")
    last = json.loads(machines[2].etcdctl("get", "quorate/snapshot/last", "--print-value-only"))
    assert (last["id"], last["machine"]) == (manifest["id"], "etcd-1")
    assert not (machines[1].disk / "snapshot-work").exists()
    # Another machine has nothing to do then.
    take_snapshot(source(machines[2]))
    assert len(manifests(aws)) == 1
    take_snapshot(dataclasses.replace(source(machines[2]), hours=0))
    assert sorted(manifest["retention"] for manifest in manifests(aws)) == ["all", "monthly"]
