"""Which certificates a machine has, by real ones on a disk."""

from __future__ import annotations

import base64
import subprocess
import time
from pathlib import Path

import pytest

from components.node.etcd.snapshot.due import read_time
from components.node.observed.certificates import certificates

DAY = 86_400


def made(path: Path, name: str, days: int) -> str:
    """A certificate and, beside it, its key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days))
    files = ("-subj", f"/O=quorate/CN={name}", "-keyout", f"{path}.key", "-out", str(path))
    subprocess.run(["openssl", "req", *new, *files], check=True, capture_output=True)
    return path.read_text()


def kubeconfig(path: Path, pem: str) -> None:
    data = base64.b64encode(pem.encode()).decode()
    path.write_text(f"users:\n- name: a\n  user:\n    client-certificate-data: {data}\n    client-key-data: c2VjcmV0\n")


def test_each_is_named_with_its_holder_and_its_end(tmp_path: Path) -> None:
    made(tmp_path / "etc/kubernetes/pki/apiserver.crt", "kube-apiserver", 90)
    made(tmp_path / "etc/kubernetes/pki/etcd/server.crt", "etcd-server", 30)
    made(tmp_path / "var/lib/kubelet/pki/kubelet-client-current.pem", "system:node:a", 10)
    kubeconfig(tmp_path / "etc/kubernetes/admin.conf", made(tmp_path / "admin.crt", "admin", 200))
    found = {str(each["path"]).removeprefix(f"{tmp_path}/"): each for each in certificates(tmp_path)}
    assert {path: each["holder"] for path, each in found.items()} == {
        "etc/kubernetes/pki/apiserver.crt": "CN=kube-apiserver,O=quorate",
        "etc/kubernetes/pki/etcd/server.crt": "CN=etcd-server,O=quorate",
        "var/lib/kubelet/pki/kubelet-client-current.pem": "CN=system:node:a,O=quorate",
        "etc/kubernetes/admin.conf": "CN=admin,O=quorate",
    }
    left = [round((read_time(str(each["expires"])) - time.time()) / DAY) for each in found.values()]
    assert sorted(left) == [10, 30, 90, 200]
    assert "c2VjcmV0" not in str(found)
    assert "PRIVATE" not in str(found)


def test_all_of_a_file_count_where_an_authority_is_being_exchanged(tmp_path: Path) -> None:
    path = tmp_path / "etc/etcd/pki/ca.crt"
    old, new = made(path, "old", 5), made(path, "new", 3650)
    path.write_text(old + new)
    assert [each["holder"] for each in certificates(tmp_path)] == ["CN=old,O=quorate", "CN=new,O=quorate"]


def test_a_kubeconfig_that_names_a_file_counts_by_that_file_alone(tmp_path: Path) -> None:
    (tmp_path / "etc/kubernetes").mkdir(parents=True)
    (tmp_path / "etc/kubernetes/kubelet.conf").write_text("users: [{name: a, user: {client-certificate: /a.pem}}]")
    assert certificates(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("etc/kubernetes/admin.conf", "users: [secret"),
        ("etc/kubernetes/admin.conf", "users: [{user: {client-certificate-data: 1}}]"),
        ("etc/kubernetes/pki/ca.crt", "-----BEGIN CERTIFICATE-----\nsecret\n-----END CERTIFICATE-----\n"),
    ],
)
def test_one_that_cannot_be_read_says_so_and_shows_nothing_of_itself(path: str, text: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text)
    (found,) = certificates(tmp_path)
    assert found["why"]
    assert "secret" not in str(found)
    assert found["expires"] == ""


def test_a_machine_without_any_has_none(tmp_path: Path) -> None:
    assert certificates(tmp_path) == []
