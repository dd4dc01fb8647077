"""What a machine says before a restore, by its files and by its member: names and fingerprints, never a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.node.common import log
from components.node.common.failure import Failure
from components.node.etcd.client import EtcdClient
from components.node.restore.evidence import encryption_keys, evidence
from components.node.restore.record import write_record
from tests.components.node.etcd.gateway import Authority, Cluster, serving
from tests.components.node.restore.restoring import ENCRYPTION, RECORD, has_data, machine, programs

ADDRESS = "127.82.0.10"
MIB = 1024**2


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "pki").make(ADDRESS)


@pytest.fixture(autouse=True)
def _programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    programs(tmp_path / "programs", monkeypatch)


def test_a_member_says_what_it_has_and_what_is_set_aside(authority: Authority, tmp_path: Path) -> None:
    cluster = Cluster(sizes={ADDRESS: (3 * MIB, MIB)}, leader=ADDRESS, held={ADDRESS: (4711, 50, 123)})
    with serving(cluster, authority, ADDRESS, 0) as endpoint:
        of = machine(tmp_path, client=EtcdClient(authority.trust, [endpoint]), ETCD_VERSION="3.6.14")
        (tmp_path / "pki" / "ca.crt").write_text((authority.folder / "ca.crt").read_text())
        has_data(of.disk)
        (of.disk / "data.before-restore-1").mkdir()
        found = evidence(of)
    member = dict(found["member"])
    assert member.pop("freeBytes") > 0
    assert member == {
        "why": "",
        "revision": 100,
        "keys": 123,
        "bytes": 3 * MIB,
        "version": "3.6.14",
        "authorities": [authority.fingerprint],
        "hasData": True,
        "setAside": {"1": False},
    }
    assert (found["controlPlane"], found["record"]) == (None, None)


def test_a_member_that_does_not_serve_says_why(authority: Authority, tmp_path: Path) -> None:
    of = machine(tmp_path, client=EtcdClient(authority.trust, ["https://127.82.0.10:1"]))
    member = evidence(of)["member"]
    assert "does not answer" in member["why"]
    assert (member["revision"], member["hasData"], member["version"]) == (0, False, "")


def test_a_control_plane_says_which_keys_it_has_and_whether_it_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = programs(tmp_path / "programs", monkeypatch)
    of = machine(tmp_path, "control-plane", KUBERNETES_VERSION="1.36.4")
    (of.etc / "api-server").mkdir()
    (of.etc / "api-server" / "encryption.yaml").write_text(ENCRYPTION)
    found = evidence(of)
    expected = {
        "why": "",
        "hasApiServer": False,
        "kubernetesVersion": "1.36.4",
        "authorities": [],
        "secretsKeys": ["secretbox:key1"],
    }
    assert (found["controlPlane"], found["member"]) == (expected, None)
    assert "--server https://10.0.0.10:6443 get --raw /readyz" in called.calls_with("kubectl")[0]
    assert "c2VjcmV0" not in json.dumps(found)
    called.program("kubectl", ("readyz", 1, "connection refused"))
    assert "connection refused" in evidence(of)["controlPlane"]["why"]


@pytest.mark.parametrize("image", ["registry.k8s.io/etcd:3.6.8-0", "registry.k8s.io/etcd:v3.6.8"])
def test_a_stacked_members_version_is_that_of_its_image(authority: Authority, tmp_path: Path, image: str) -> None:
    of = machine(tmp_path, "control-plane", EtcdClient(authority.trust, ["https://127.82.0.10:1"]))
    (of.pods.manifests / "etcd.yaml").write_text(f"spec:\n  containers:\n  - image: {image}\n")
    assert evidence(of)["member"]["version"] == "3.6.8"


def test_the_restore_that_is_under_way_is_part_of_it(tmp_path: Path) -> None:
    of = machine(tmp_path, "control-plane")
    write_record(RECORD, of.record)
    assert evidence(of)["record"] == vars(RECORD)


def test_a_cluster_that_encrypts_nothing_has_no_keys(tmp_path: Path) -> None:
    assert list(encryption_keys(tmp_path / "none.yaml")) == []


@pytest.mark.parametrize("text", ["resources: [{}]", "[]", "resources: [{providers: [1]}]", "a: {"])
def test_a_file_that_cannot_be_read_is_named_without_a_line_of_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "encryption.yaml").write_text(text)
    with pytest.raises(Failure, match="can't be read as an EncryptionConfiguration") as failed:
        list(encryption_keys(tmp_path / "encryption.yaml"))
    assert text not in str(failed.value)
