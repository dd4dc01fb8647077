"""What the tests of snapshots share: members that speak the gateway, a restored etcd that does, too, and a local S3."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.node.common import s3
from components.node.common.s3 import Bucket
from components.node.etcd.client import EtcdClient
from components.node.etcd.snapshot import room, take, verify
from components.node.etcd.snapshot.due import LAST_KEY, Last, id_of, read_last
from components.node.etcd.snapshot.programs import Programs
from components.node.etcd.snapshot.take import Source
from components.node.etcd.snapshot.trial import ServerFiles
from tests.components.node.aws_services import LocalAws, aws_of_this_process
from tests.components.node.etcd.gateway import Authority, Cluster, decoded, encoded, serving
from tests.components.node.stand_ins import StandIns, stand_ins

BUCKET = "quorate-test"
KEY_ARN = "arn:aws:kms:eu-central-1:111122223333:key/0a"
# Where nothing is forgotten since, members and restored snapshot hold this: hash, compacted revision, number of keys.
HELD = (4711, 50, 123)
HOUR = 3600
NOON = 1_796_040_000  # 2026-11-30T12:00:00Z
PLAIN = "a password in plain text"
AUTHORITY = "kube-root-ca.crt"


@dataclass
class World:
    """`members` are what all members share, `restored` what the throw-away etcd serves. `now` is the time."""

    members: Cluster
    restored: Cluster
    aws: LocalAws
    programs: StandIns
    sources: list[Source]
    now: float = NOON

    @property
    def objects(self) -> list[str]:
        return sorted(self.aws.buckets[BUCKET])

    @property
    def manifests(self) -> list[Mapping[str, Any]]:
        return [
            json.loads(each.body) for key, each in self.aws.buckets[BUCKET].items() if key.endswith("/manifest.json")
        ]

    @property
    def last(self) -> Last | None:
        pair = self.members.keys.get(encoded(LAST_KEY))
        return read_last(decoded(pair[0])) if pair else None

    def was_taken(self, ago: float, machine: str = "etcd-1") -> None:
        last = Last(id_of(machine, self.now - ago), int(self.now - ago), machine)
        self.members.keys[encoded(LAST_KEY)] = (encoded(last.text()), 0)

    def lets_leases_end(self) -> None:
        for lease in self.members.leases.values():
            lease.renewed -= 1000


@pytest.fixture
def world(
    cluster: Cluster,
    authority: Authority,
    addresses: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    cluster.database = os.urandom(100_000)
    cluster.sizes = dict.fromkeys(addresses, (100_000, 90_000))
    cluster.leader = addresses[0]
    cluster.held = dict.fromkeys(addresses, HELD)
    restored = Cluster(held={addresses[0]: HELD}, sizes={addresses[0]: (1, 1)}, leader=addresses[0])
    pem = (authority.folder / "ca.crt").read_text()
    for key, value in {
        "/registry/secrets/a": "k8s:enc:secretbox:v1:key1:sealed",
        "/registry/secrets/b": "k8s:enc:secretbox:v1:key0:sealed",
        "/registry/secrets/c": PLAIN,
        f"/registry/configmaps/kube-system/{AUTHORITY}": f"k8s\0ca.crt\x12{pem}\x1a",
        "/registry/configmaps/kube-system/kubeadm-config": "kind: x\nkubernetesVersion: v1.36.4\nnetworking: {}",
    }.items():
        restored.keys[encoded(key)] = (encoded(value), 0)
    programs = stand_ins(tmp_path / "programs", monkeypatch)
    programs.program("etcdutl", ("snapshot status", 0, '{"revision": 100, "totalKey": 5}'))
    with ExitStack() as stack:
        endpoints = [stack.enter_context(serving(cluster, authority, address)) for address in addresses]
        trial = stack.enter_context(serving(restored, authority, addresses[0], 0))
        aws = stack.enter_context(aws_of_this_process(monkeypatch))
        aws.buckets[BUCKET] = {}

        @contextmanager
        def served(programs: Programs, data: Path, server: ServerFiles, client: EtcdClient) -> Iterator[EtcdClient]:
            yield client.at(trial)

        sources = [
            Source(
                EtcdClient(authority.trust, [endpoints[n], *(e for e in endpoints if e != endpoints[n])]),
                f"etcd-{n}",
                "test",
                Bucket(BUCKET, KEY_ARN),
                6,
                ServerFiles(*(authority.folder / name for name in ("ca.crt", "member.crt", "member.key"))),
                lambda: nullcontext(Programs()),
                tmp_path / f"disk-{n}",
                tmp_path / f"state-{n}" / "snapshot.json",
                tmp_path / f"state-{n}" / "metrics" / "snapshots.prom",
            )
            for n in range(len(endpoints))
        ]
        for each in sources:
            each.disk.mkdir()
        found = World(cluster, restored, aws, programs, sources)
        for step in (take, verify):
            monkeypatch.setattr(step, "throw_away_etcd", served)
        monkeypatch.setattr(take, "time", SimpleNamespace(time=lambda: found.now))
        monkeypatch.setattr(take, "_LOOK_SECONDS", 0.02)
        monkeypatch.setattr(room, "SPARE_BYTES", 0)
        monkeypatch.setattr(s3, "_PAUSE_SECONDS", 0)
        yield found
