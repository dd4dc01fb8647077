"""take-snapshot with real etcd and a local S3: taken, restored, compared, added; and what a damaged file comes to."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from components.node.common.failure import Failure
from components.node.common.https import Trust
from components.node.common.s3 import Bucket
from components.node.etcd.client import EtcdClient, client_url
from components.node.etcd.snapshot import take
from components.node.etcd.snapshot.comparison import Held, held_by_members
from components.node.etcd.snapshot.download import download
from components.node.etcd.snapshot.programs import Programs
from components.node.etcd.snapshot.take import Source, clear_leftovers, take_snapshot
from components.node.etcd.snapshot.trial import ServerFiles, revision_of
from tests.components.node.aws_services import LocalAws, aws_of_this_process
from tests.components.node.etcd.etcd_machines import EtcdMachine, configure_all, make_authority
from tests.sandbox_cli import binary

pytestmark = pytest.mark.engine

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
ADDRESSES = {f"etcd-{n}": f"127.81.{_WORKER}.{10 + n}" for n in range(3)}
BUCKET = "quorate-test-snapshots"


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[EtcdMachine]]:
    """Three members, with a history."""
    folder = tmp_path_factory.mktemp("snapshots")
    make_authority(folder / "authority")
    machines = [EtcdMachine(name, address, folder / name, ADDRESSES) for name, address in ADDRESSES.items()]
    try:
        for machine in machines:
            machine.prepare(folder / "authority")
        for outcome in configure_all(machines):
            assert outcome.returncode == 0, outcome.stdout
        for n in range(20):
            machines[0].etcdctl("put", f"/registry/pods/{n % 5}", f"value {n}")
        for name in ("a", "b"):
            machines[0].etcdctl("put", f"/registry/secrets/kube-system/{name}", f"k8s:enc:secretbox:v1:{name}:sealed")
        machines[0].etcdctl("del", "/registry/pods/4")
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


def test_a_cluster_that_has_forgotten_nothing_yet_has_snapshots_too(machines: list[EtcdMachine], aws: LocalAws) -> None:
    take_snapshot(source(machines[0]), now=True)
    (manifest,) = manifests(aws)
    assert manifest["compact_revision"] == 0
    assert len(manifest["compared_with"]) == 3


def test_a_snapshot_is_taken_restored_compared_with_all_members_and_added(
    machines: list[EtcdMachine], aws: LocalAws
) -> None:
    machines[0].etcdctl("compact", "12")
    take_snapshot(source(machines[1]), now=True)
    (manifest,) = manifests(aws)
    folder = f"{manifest['retention']}/{manifest['id']}"
    assert set(aws.buckets[BUCKET]) == {f"{folder}/etcd.db", f"{folder}/manifest.json"}
    hashed = json.loads(machines[0].etcdctl("endpoint", "hashkv", f"--rev={manifest['revision']}", "-w", "json"))
    assert manifest["hash"] == hashed[0]["HashKV"]["hash"]
    assert manifest["compact_revision"] == 12
    assert manifest["secrets_keys"] == ["secretbox:a", "secretbox:b"]
    assert len(manifest["compared_with"]) == 3
    assert manifest["etcd_version"].startswith("3.")
    last = json.loads(machines[2].etcdctl("get", "quorate/snapshot/last", "--print-value-only"))
    assert (last["id"], last["machine"]) == (manifest["id"], "etcd-1")
    assert not (machines[1].disk / "snapshot-work").exists()
    # Another machine has nothing to do then.
    take_snapshot(source(machines[2]))
    assert len(manifests(aws)) == 1
    take_snapshot(dataclasses.replace(source(machines[2]), hours=0))
    assert [manifest["retention"] for manifest in manifests(aws)][1:] == ["all"]


def test_etcds_own_program_restores_what_is_in_the_bucket(
    machines: list[EtcdMachine], aws: LocalAws, tmp_path: Path
) -> None:
    take_snapshot(source(machines[0]), now=True)
    (content,) = [stored.body for key, stored in aws.buckets[BUCKET].items() if key.endswith("etcd.db")]
    (tmp_path / "etcd.db").write_bytes(content)
    restored = subprocess.run(
        ["etcdutl", "snapshot", "restore", str(tmp_path / "etcd.db"), "--data-dir", str(tmp_path / "data")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert restored.returncode == 0, restored.stderr
    assert (tmp_path / "data/member/snap/db").exists()


def test_what_the_members_forget_meanwhile_is_forgotten_on_trial_and_then_it_is_the_same(
    machines: list[EtcdMachine], aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask_later(client: EtcdClient, revision: int) -> Sequence[Held]:
        machines[0].etcdctl("put", "/registry/pods/0", "later")
        machines[0].etcdctl("compact", str(revision - 2))
        return held_by_members(client, revision)

    monkeypatch.setattr(take, "held_by_members", ask_later)
    take_snapshot(source(machines[1]), now=True)
    (manifest,) = manifests(aws)
    assert manifest["compact_revision"] == manifest["revision"] - 2
    assert len(manifest["compared_with"]) == 3


def _flip(file: Path, *, with_checksum: bool) -> None:
    content = file.read_bytes()
    assert b"value 18" in content
    content = content.replace(b"value 18", b"value 08")
    if with_checksum:
        content = content[:-32] + hashlib.sha256(content[:-32]).digest()
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("with_checksum", "told"),
    [
        (False, r"can't be restored, so it does not count: .*sha256"),
        (True, "is not what .* holds, so it does not count"),
    ],
    ids=["on this disk", "on the member's disk"],
)
def test_a_byte_that_is_flipped_is_found(
    with_checksum: bool, told: str, machines: list[EtcdMachine], aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(programs: Programs, file: Path) -> int:
        revision = revision_of(programs, file)
        _flip(file, with_checksum=with_checksum)
        return revision

    monkeypatch.setattr(take, "revision_of", read)
    machines[0].etcdctl("put", "/registry/pods/3", "value 18")
    with pytest.raises(Failure, match=told):
        take_snapshot(source(machines[0]), now=True)
    assert aws.buckets[BUCKET] == {}


def test_a_page_that_is_damaged_is_found_when_the_file_is_read(machines: list[EtcdMachine], tmp_path: Path) -> None:
    client = source(machines[0]).client
    file = download(client.snapshot(client.endpoints[0]), tmp_path / "etcd.db", 1)
    etcdutl = str(binary("etcd", "etcdutl"))
    assert revision_of(Programs(etcdutl=etcdutl), file.path) > 12
    with file.path.open("r+b") as content:
        content.seek(2 * 4096)
        content.write(bytes(4096 * 4))
    with pytest.raises(Failure, match="can't be read, so it does not count"):
        revision_of(Programs(etcdutl=etcdutl), file.path)


def test_the_throw_away_etcd_lets_nobody_in_without_a_certificate_and_dies_with_the_step(
    machines: list[EtcdMachine], aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = source(machines[0])

    def work() -> None:
        def die(trial: EtcdClient, *_: object) -> None:
            (endpoint,) = trial.endpoints
            unknown = EtcdClient(Trust(of.server.authority), [endpoint])
            with pytest.raises(Failure):
                unknown.status(endpoint)
            (machines[0].folder / "refused").touch()
            os.kill(os.getpid(), signal.SIGKILL)

        monkeypatch.setattr(take, "compare", die)
        take_snapshot(of, now=True)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert (machines[0].folder / "refused").exists()
    deadline = time.monotonic() + 10
    while (left := _running_on(of.work)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
    clear_leftovers(of.work)
    assert not of.work.exists()


def _running_on(folder: Path) -> list[str]:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_text(errors="replace"))
    return [line for line in lines if str(folder) in line]
