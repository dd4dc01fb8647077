"""Where a snapshot's parts come from: the member's data, its programs, the throw-away etcd, the copy."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from components.node.common import environment, machine_lock
from components.node.common.failure import Failure
from components.node.common.s3 import Bucket
from components.node.etcd.client import EtcdClient
from components.node.etcd.snapshot import take
from components.node.etcd.snapshot.download import download
from components.node.etcd.snapshot.programs import Programs, programs_of_image, unmount
from components.node.etcd.snapshot.take import clear_leftovers, source
from components.node.etcd.snapshot.trial import ServerFiles, throw_away_etcd
from tests.components.node.etcd.gateway import Authority
from tests.components.node.stand_ins import stand_ins


def test_what_is_copied_and_where_to_follow_from_the_machines_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "ETC", tmp_path)
    own = "MACHINE_NAME=one\nNODE_ADDRESS=10.0.0.1\nCLUSTER_NAME=test\n"
    goes = "SNAPSHOT_BUCKET=b\nSNAPSHOT_KEY=k\nSNAPSHOT_HOURS=6\n"
    etcd = f"ROLE=etcd\nETCD_VERSION=3.6.14\nETCD_VOLUME_ID=vol-1\nPEER_ADDRESSES='10.0.0.2 10.0.0.3'\n{own}"
    (tmp_path / "node.env").write_text(etcd + goes)
    found = source()
    assert found.client.endpoints[0] == "https://10.0.0.1:2379"
    assert found.bucket == Bucket("b", "k")
    assert (found.hours, found.cluster, found.machine) == (6, "test", "one")
    assert found.server.certificate == Path("/etc/etcd/pki/member.crt")
    with found.programs() as programs:
        assert programs == Programs("etcd", "etcdutl")
    (tmp_path / "node.env").write_text(f"ROLE=control-plane\nCONTROL_PLANE_ADDRESSES=10.0.0.2\n{own}{goes}")
    (tmp_path / "kubeadm.yaml").write_text("kind: ClusterConfiguration\netcd: {local: {dataDir: /d}}\n")
    found = source()
    assert found.client.endpoints == ("https://10.0.0.1:2379", "https://10.0.0.2:2379")
    assert found.server.certificate == Path("/etc/kubernetes/pki/etcd/server.crt")
    assert found.programs is programs_of_image
    (tmp_path / "node.env").write_text(etcd + goes.replace("=6", "=often"))
    with pytest.raises(Failure, match=r"SNAPSHOT_HOURS to 'often', which is not a number; run pulumi up"):
        source()
    (tmp_path / "node.env").write_text(etcd)
    with pytest.raises(Failure, match=r"no bucket for snapshots: set backups.enabled"):
        source()


def test_the_step_takes_no_other_argument(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine_lock, "LOCKS", tmp_path)
    assert take.main(["--yes"]) == 2
    assert "usage: quorate-node take-snapshot [--now]" in capsys.readouterr().err


def test_a_stacked_members_programs_are_those_of_its_image_mounted_for_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = stand_ins(tmp_path / "programs", monkeypatch)
    programs.program("ctr")
    manifest, mount_point = tmp_path / "etcd.yaml", tmp_path / "run" / "etcd-image"
    manifest.write_text("spec: {containers: [{name: etcd, image: 'registry.k8s.io/etcd:3.6.8-0'}]}\n")
    with programs_of_image(manifest, mount_point) as found:
        assert found == Programs(f"{mount_point}/usr/local/bin/etcd", f"{mount_point}/usr/local/bin/etcdutl")
    unmounted = f"ctr --namespace k8s.io images unmount --rm {mount_point}"
    mounted = f"ctr --namespace k8s.io images mount registry.k8s.io/etcd:3.6.8-0 {mount_point}"
    assert programs.calls == [unmounted, mounted, unmounted]
    assert not mount_point.exists()
    # Left by a run that was killed.
    mount_point.mkdir()
    clear_leftovers(tmp_path / "none", mount_point)
    assert programs.calls[3:] == [unmounted]
    assert not mount_point.exists()
    unmount(mount_point)
    assert len(programs.calls) == 4, "containerd isn't asked where nothing is mounted, as on machines without it"


@pytest.mark.parametrize("text", [None, "spec: {}", "spec: {containers: []}", "]"])
def test_a_static_pod_without_an_image_is_told(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "etcd.yaml").write_text(text)
    with (
        pytest.raises(Failure, match=r"does not say which image etcd runs .*run pulumi up"),
        programs_of_image(tmp_path / "etcd.yaml", tmp_path / "mount"),
    ):
        pass


def test_an_image_that_can_not_be_mounted_is_a_failure_that_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ins(tmp_path / "programs", monkeypatch).program("ctr", ("images mount", 1, "image not found"))
    (tmp_path / "etcd.yaml").write_text("spec: {containers: [{image: etcd}]}\n")
    mounted: AbstractContextManager[Programs] = programs_of_image(tmp_path / "etcd.yaml", tmp_path / "mount")
    with pytest.raises(Failure, match="image not found"), mounted:
        pass
    assert not (tmp_path / "mount").exists()


def test_a_throw_away_etcd_that_does_not_start_is_told_at_once_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    said = json.dumps({"level": "panic", "msg": "failed to recover v3 backend", "error": "the file is torn"})
    stand_ins(tmp_path / "programs", monkeypatch).program("etcd", ("", 2, f"{said}\n"))
    monkeypatch.setenv("ETCD_DATA_DIR", "/somewhere/else")
    files = ServerFiles(*(authority.folder / name for name in ("ca.crt", "member.crt", "member.key")))
    client = EtcdClient(authority.trust, ["https://127.0.0.1:1"])
    begun = time.monotonic()
    with (
        pytest.raises(Failure, match=r"it ended with 2: panic: failed to recover v3 backend: the file is torn"),
        throw_away_etcd(Programs(), tmp_path / "restored", files, client),
    ):
        pass
    assert time.monotonic() - begun < 10


def test_a_copy_that_etcd_did_not_finish_is_no_copy(tmp_path: Path) -> None:
    content = os.urandom(5000)
    checksum = hashlib.sha256(content).digest()
    whole = [content[:100], content[100:], checksum[:7], checksum[7:]]
    file = download(iter(whole), tmp_path / "whole", 5000)
    assert (file.size, file.sha256) == (5032, hashlib.sha256(content + checksum).hexdigest())
    for parts in ([], [b"short"], [content], [content[1:], checksum], [content, checksum, b"more"]):
        with pytest.raises(Failure, match="does not have the checksum"):
            download(iter(parts), tmp_path / "torn", 5000)
