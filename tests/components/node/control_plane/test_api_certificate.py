"""The API server's certificate gets the names that operators go by: real certificates, a stand-in for kubeadm."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
import yaml

from components.node.common import machine_lock
from components.node.common.failure import Failure
from components.node.control_plane import api_certificate as step
from components.node.control_plane.api_certificate import is_valid_for, reach_by, renew_api_certificate
from components.node.control_plane.documents import certificate_names, read_documents
from tests.components.node.control_plane.control_plane import Prepared, is_running, prepared
from tests.components.node.tls import copy_authority, issue

BALANCER = "prod-public-0a1b.elb.eu-central-1.amazonaws.com"
KUBEADM = """
if [[ "$call" == *"phase certs apiserver"* ]]; then
  cp "${call##* }" "$NEXT/kubeadm.yaml"
  ls "$(dirname "${call##* }")" >"$NEXT/folder"
  [[ -e "$PKI/apiserver.crt" ]] && echo "there is one meanwhile"
  cp "$NEXT"/apiserver.* "$(dirname "${call##* }")"
fi
"""


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """A control plane that runs, and a certificate that kubeadm makes next, for the load balancer, too."""
    node = prepared(tmp_path, monkeypatch)
    pki = node.machine.folders.kubernetes / "pki"
    copy_authority(pki)
    issue(pki, pki / "apiserver.crt", "DNS:api.test, IP:127.0.0.1")
    (tmp_path / "next").mkdir()
    issue(pki, tmp_path / "next" / "apiserver.crt", f"DNS:api.test, IP:127.0.0.1, DNS:{BALANCER}, IP:203.0.113.7")
    monkeypatch.setenv("NEXT", str(tmp_path / "next"))
    monkeypatch.setenv("PKI", str(pki))
    node.programs.program("kubeadm", before=KUBEADM)
    is_running(node)
    return node


def certificate(node: Prepared) -> Path:
    return node.machine.folders.kubernetes / "pki" / "apiserver.crt"


def public_key(*options: str) -> bytes:
    return subprocess.run(["openssl", *options], check=True, capture_output=True).stdout


@pytest.mark.parametrize("name", [BALANCER, "203.0.113.7"])
def test_it_is_valid_for_the_name_and_for_all_that_it_was(
    name: str, node: Prepared, capfd: pytest.CaptureFixture[str]
) -> None:
    reach_by(node.machine, f"{name}\n")
    assert all(is_valid_for(certificate(node), each) for each in ("api.test", "127.0.0.1", name))
    key = certificate(node).with_suffix(".key")
    assert public_key("x509", "-noout", "-pubkey", "-in", str(certificate(node))) == public_key(
        "pkey", "-pubout", "-in", str(key)
    )
    said = capfd.readouterr().out
    assert f"the certificate of the API server lacks {name}" in said
    assert "there is one meanwhile" in said


def test_kubeadm_is_given_the_delivered_documents_with_the_names_and_the_authority(
    node: Prepared, tmp_path: Path
) -> None:
    reach_by(node.machine, f"{BALANCER}\n")
    given = {each["kind"]: each for each in yaml.safe_load_all((tmp_path / "next/kubeadm.yaml").read_text())}
    delivered = read_documents(node.machine.folders.configuration.read_text(), node.machine.folders.configuration)
    assert given["ClusterConfiguration"]["apiServer"]["certSANs"] == [*certificate_names(delivered), BALANCER]
    assert given["ClusterConfiguration"]["kubernetesVersion"] == "v1.36.4"
    assert {**given, "ClusterConfiguration": 0} == {**delivered, "ClusterConfiguration": 0}
    assert (tmp_path / "next/folder").read_text().split() == ["ca.crt", "ca.key", "kubeadm.yaml"]


def test_nothing_is_made_where_it_has_the_name(node: Prepared, capfd: pytest.CaptureFixture[str]) -> None:
    reach_by(node.machine, "api.test\n")
    assert node.programs.calls_with("kubeadm") == []
    assert "is valid for api.test" in capfd.readouterr().out


def test_whoever_makes_it_later_keeps_the_name(node: Prepared) -> None:
    reach_by(node.machine, f"{BALANCER}\n")
    certificate(node).unlink()
    assert renew_api_certificate(node.machine, ("api.test",))
    assert is_valid_for(certificate(node), BALANCER)


def test_what_kubeadm_could_not_make_leaves_the_present_one(node: Prepared) -> None:
    before = certificate(node).read_bytes()
    node.programs.program("kubeadm", ("phase certs apiserver", 1, "no\n"))
    with pytest.raises(Failure, match="kubeadm init phase certs apiserver failed"):
        reach_by(node.machine, f"{BALANCER}\n")
    assert certificate(node).read_bytes() == before
    assert [path.name for path in node.machine.folders.kubernetes.glob("apiserver-*")] == []


@pytest.mark.parametrize("text", ["", "\n", "a b; rm\n", "-x\n", f"{'a' * 300}\n"])
def test_what_is_no_name_is_refused(text: str, node: Prepared) -> None:
    with pytest.raises(Failure, match="not a name or an address on each line"):
        reach_by(node.machine, text)
    assert not node.machine.folders.operators_names.exists()


def test_the_step_reads_names_from_its_input(
    node: Prepared, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(machine_lock, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(step, "read_this_machine", lambda: node.machine)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "stdin", StringIO("api.test\n"))
    assert step.main([]) == 0
    assert step.main(["api.test"]) == 2
    assert "on each line of its input" in capfd.readouterr().err
