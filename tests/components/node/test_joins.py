"""join-control-plane.sh and leave-etcd.sh with real certificates, and stand-ins for kubeadm, kubectl and etcd."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.components.node.etcd_machines import make_authority
from tests.components.node.node_machine import NodeMachine

SCRIPTS = (
    "common.sh", "kubeadm-common.sh", "etcd-membership.sh", "install-certificates.sh", "join-control-plane.sh",
    "leave-etcd.sh", "name-api-endpoint.sh",
)  # fmt: skip
ENVIRONMENT = {
    "ROLE": "control-plane", "MACHINE_NAME": "control-plane-1", "NODE_ADDRESS": "10.20.144.17",
    "API_ENDPOINT_NAME": "api.test.internal", "KUBERNETES_VERSION": "1.36.4",
    "CONTROL_PLANE_ADDRESSES": "'10.20.128.16 10.20.160.18'",
    "NETWORK_PLUGIN_WORKLOAD": "kube-flannel/daemonset/kube-flannel-ds",
}  # fmt: skip
SHOWING = '#!/bin/bash\necho "kubeadm $*" >>"$MACHINE/calls"\ncp "$QUORATE_RUN/discovery.conf" "$MACHINE/discovery"\n'


def members(*addresses: str) -> str:
    listed = ", ".join(f'{{"ID": "{i + 7}", "peerURLs": ["https://{a}:2380"]}}' for i, a in enumerate(addresses))
    return f'{{"members": [{listed}]}}'


@pytest.fixture
def machine(tmp_path: Path) -> NodeMachine:
    """With a disk for etcd that has something on it, in a cluster that still lists its old member."""
    return prepared(tmp_path, "vol-1", members("10.20.128.16", "10.20.144.17", "10.20.160.18"))


def prepared(folder: Path, volume: str, member_list: str) -> NodeMachine:
    machine = NodeMachine(folder)
    curl = [("member/list", 0, member_list), ("/readyz", 0, "ok")]
    programs: dict[str, list[tuple[str, int, str]]] = {
        name: [] for name in ("kubeadm", "kubectl", "systemctl", "journalctl", "crictl")
    }
    machine.prepare(SCRIPTS, {**ENVIRONMENT, "ETCD_VOLUME_ID": volume}, {"curl": curl, **programs})
    (folder / "programs" / "kubeadm").write_text(SHOWING)
    make_authority(folder / "authority")
    for place in ("", "etcd/"):
        (folder / "etc" / "pki" / place).mkdir(exist_ok=True)
        for name in ("ca.crt", "ca.key"):
            (folder / "etc" / "pki" / place / name).write_bytes((folder / "authority" / name).read_bytes())
    (folder / "disk" / "data").mkdir(parents=True)
    (folder / "disk" / "data" / "remainder").touch()
    return machine


def join(machine: NodeMachine) -> str:
    (machine.folder / "hosts").touch()
    outcome = machine.run(
        "join-control-plane.sh",
        HOSTS=str(machine.folder / "hosts"),
        ETCD_DISK=str(machine.folder / "disk"),
        KUBERNETES_PKI=str(machine.folder / "kubernetes"),
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


def test_a_control_plane_joins_by_a_certificate_that_it_signed_for_itself(machine: NodeMachine) -> None:
    join(machine)
    discovery = (machine.folder / "discovery").read_text()
    found = re.search(r"client-certificate-data: ([^,]+),", discovery)
    assert found
    certificate = x509.load_pem_x509_certificate(base64.b64decode(found[1]))
    groups = {
        str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    }
    assert groups == {"system:bootstrappers:kubeadm:default-node-token", "kubeadm:cluster-admins"}
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 1
    authority = x509.load_pem_x509_certificate((machine.folder / "authority" / "ca.crt").read_bytes())
    certificate.verify_directly_issued_by(authority)


def test_no_key_is_left_beside_those_that_kubeadm_keeps(machine: NodeMachine) -> None:
    output = join(machine)
    assert list((machine.folder / "run").iterdir()) == []
    assert "PRIVATE KEY" not in machine.public_text() + output
    assert (machine.folder / "kubernetes" / "ca.key").stat().st_mode & 0o077 == 0


def test_the_old_member_and_the_old_node_go_before_the_new_ones_come(machine: NodeMachine) -> None:
    join(machine)
    (removed,) = [call for call in machine.calls("curl") if "member/remove" in call]
    assert '{"ID": "8"}' in removed
    assert "https://10.20.128.16:2379/" in removed
    assert not (machine.folder / "disk" / "data" / "remainder").exists()
    calls = (machine.folder / "calls").read_text()
    assert calls.index("delete node control-plane-1") < calls.index("kubeadm join")
    assert calls.index("member/remove") < calls.index("kubeadm join")


def test_a_machine_that_no_member_stands_for_removes_none(tmp_path: Path) -> None:
    machine = prepared(tmp_path, "vol-1", members("10.20.128.16", "10.20.160.18"))
    join(machine)
    assert not [call for call in machine.calls("curl") if "member/remove" in call]


def test_with_etcd_on_machines_of_its_own_members_are_left_alone(tmp_path: Path) -> None:
    machine = prepared(tmp_path, "''", members("10.20.144.17"))
    join(machine)
    assert not [call for call in machine.calls("curl") if "/member/" in call]
    assert (tmp_path / "disk" / "data" / "remainder").exists()


def with_api_servers(folder: Path, *ready: str) -> NodeMachine:
    machine = prepared(folder, "''", members())
    lines = [*(f"https://{host}:6443/readyz\t0\tok\n" for host in ready), "/readyz\t7\tno\n"]
    (folder / "curl.answers").write_text("".join(lines))
    return machine


def test_a_machine_joins_another_that_is_ready_without_waiting_for_the_load_balancer(tmp_path: Path) -> None:
    machine = with_api_servers(tmp_path, "10.20.160.18")
    join(machine)
    assert (tmp_path / "hosts").read_text().startswith("10.20.160.18 api.test.internal ")


def test_a_machine_that_reaches_no_other_joins_through_the_load_balancer(tmp_path: Path) -> None:
    machine = with_api_servers(tmp_path, "api.test.internal")
    join(machine)
    assert (tmp_path / "hosts").read_text() == ""
    assert machine.calls("kubeadm")


def leave(machine: NodeMachine) -> None:
    outcome = machine.run("leave-etcd.sh", KUBERNETES_MANIFESTS=str(machine.folder))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_a_half_joined_member_leaves_while_it_runs_or_the_other_one_alone_could_not_remove_it(tmp_path: Path) -> None:
    machine = prepared(tmp_path, "vol-1", members("10.20.128.16", "10.20.144.17"))
    (tmp_path / "etcd.yaml").touch()
    leave(machine)
    calls = (tmp_path / "calls").read_text()
    assert calls.index("systemctl start kubelet") < calls.index("member/remove")
    assert (tmp_path / "disk" / "data" / "remainder").exists()


def test_where_no_etcd_was_started_the_kubelet_is_left_alone(machine: NodeMachine) -> None:
    leave(machine)
    assert machine.calls("systemctl") == []
