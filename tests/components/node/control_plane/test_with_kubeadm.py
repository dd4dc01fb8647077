"""The API server's certificate, made by the real kubeadm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from components.node.common import log
from components.node.common.failure import Failure
from components.node.common.kubeadm import run_kubeadm, write_discovery
from components.node.control_plane.api_certificate import is_valid_for, reach_by, renew_api_certificate
from components.node.control_plane.phases import run_phase
from components.node.control_plane.this_machine import Folders, ThisMachine
from tests.sandbox_cli import binary

pytestmark = pytest.mark.engine

NAMES = ("api.test", "127.0.0.1")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ThisMachine:
    """With a certificate for NAMES."""
    monkeypatch.setenv("PATH", f"{binary('kubernetes', 'kubeadm').parent}:{os.environ['PATH']}")
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    folders = Folders(tmp_path, tmp_path / "kubernetes", discovery=tmp_path / "run" / "discovery.conf")
    machine = ThisMachine("cp-0", "10.0.0.1", "api.test", "1.36.4", folders=folders)
    deliver(machine, NAMES)
    run_phase(machine, "certs", "ca")
    run_phase(machine, "certs", "apiserver")
    return machine


def deliver(machine: ThisMachine, names: tuple[str, ...]) -> None:
    api_version = "kubeadm.k8s.io/v1beta4"
    documents = [
        {
            "apiVersion": api_version,
            "kind": "InitConfiguration",
            "localAPIEndpoint": {"advertiseAddress": machine.address},
            "nodeRegistration": {"name": machine.name, "criSocket": "unix:///run/containerd/containerd.sock"},
        },
        {
            "apiVersion": api_version,
            "kind": "ClusterConfiguration",
            "kubernetesVersion": f"v{machine.kubernetes_version}",
            "certificatesDir": str(machine.folders.kubernetes / "pki"),
            "apiServer": {"certSANs": list(names)},
        },
    ]
    machine.folders.configuration.write_text(yaml.safe_dump_all(documents))


def test_a_certificate_gets_a_name_that_it_lacked_and_keeps_the_others(machine: ThisMachine) -> None:
    certificate = machine.folders.kubernetes / "pki" / "apiserver.crt"
    names = (*NAMES, "203.0.113.7", "other.test")
    assert [is_valid_for(certificate, name) for name in names] == [True, True, False, False]
    deliver(machine, names)
    renew_api_certificate(machine, names)
    assert all(is_valid_for(certificate, name) for name in (*names, machine.address))


def test_a_certificate_gets_the_names_that_operators_go_by_and_keeps_them(machine: ThisMachine) -> None:
    certificate = machine.folders.kubernetes / "pki" / "apiserver.crt"
    reach_by(machine, "prod-public-0a1b.elb.eu-central-1.amazonaws.com\n")
    deliver(machine, (*NAMES, "other.test"))
    renew_api_certificate(machine, (*NAMES, "other.test"))
    names = (*NAMES, "other.test", "prod-public-0a1b.elb.eu-central-1.amazonaws.com", machine.address)
    assert [name for name in names if not is_valid_for(certificate, name)] == []


def test_a_certificate_that_has_all_names_stays_the_same(machine: ThisMachine) -> None:
    certificate = machine.folders.kubernetes / "pki" / "apiserver.crt"
    before = certificate.read_bytes()
    renew_api_certificate(machine, NAMES)
    assert certificate.read_bytes() == before


def test_kubeadm_takes_the_discovery_file_and_the_join_document(machine: ThisMachine) -> None:
    authority = machine.folders.kubernetes / "pki" / "ca.crt"
    write_discovery({"token": "abcdef.0123456789abcdef"}, "api.test", authority, machine.folders.discovery)
    document = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "JoinConfiguration",
        "discovery": {"file": {"kubeConfigPath": str(machine.folders.discovery)}},
    }
    path = machine.folders.etc / "join.yaml"
    path.write_text(yaml.safe_dump(document))
    run_kubeadm("config", "validate", "--config", str(path))


def test_what_kubeadm_refuses_is_a_failure(machine: ThisMachine, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Failure, match="kubeadm config failed; its messages are above"):
        run_kubeadm("config", "validate", "--config", "/nowhere")
    assert "/nowhere" in capfd.readouterr().out
