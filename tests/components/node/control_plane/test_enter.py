"""kubeadm init and kubeadm join of a machine, with real certificates and stand-ins for programs and other machines."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from components.node.common.failure import Failure
from components.node.control_plane.initialize import initialize
from components.node.control_plane.join import find_the_cluster, join
from components.node.etcd.cluster_mark import mark_path
from tests.components.node.control_plane.control_plane import OtherMachines, Prepared, prepared

OTHERS = ("10.0.0.2", "10.0.0.3")


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """With remains of another life on its disk; kubeadm keeps a copy of the discovery file that it is given."""
    node = prepared(tmp_path, monkeypatch, joins=True, others=OTHERS)
    node.machine.folders.etcd_data.mkdir()
    (node.machine.folders.etcd_data / "remains").touch()
    keep = f'[[ ! -e "{node.machine.folders.discovery}" ]] || cp "{node.machine.folders.discovery}" "$STAND_INS/kept"'
    node.programs.program("kubeadm", before=keep)
    return node


def others(node: Prepared, *ready: str) -> OtherMachines:
    return OtherMachines(node.machine, ready=ready)


def test_data_of_an_initialization_that_never_completed_goes(node: Prepared) -> None:
    initialize(node.machine)
    data = node.machine.folders.etcd_data
    assert list(data.iterdir()) == []
    assert data.stat().st_mode & 0o777 == 0o700
    (init,) = node.programs.calls_with("kubeadm init")
    accepted = f"DirAvailable{str(data).replace('/', '-').replace('-', '--', 1)},ExternalEtcdVersion"
    assert init.endswith(f" --ignore-preflight-errors {accepted}")
    assert "--skip-phases" not in init
    assert "systemctl enable --quiet kubelet" in node.programs.calls


def test_on_a_disk_of_this_cluster_its_data_and_its_tuned_dns_stay(node: Prepared) -> None:
    mark_path(node.machine.folders.etcd_disk).touch()
    initialize(node.machine)
    assert (node.machine.folders.etcd_data / "remains").exists()
    (init,) = node.programs.calls_with("kubeadm init")
    assert " --skip-phases show-join-command,addon/coredns " in init


def test_the_api_is_reached_at_this_machine_while_it_is_initialized(node: Prepared) -> None:
    initialize(node.machine)
    assert "10.0.0.1 api.test # quorate: the API endpoint\n" in node.machine.folders.hosts.read_text()


def test_a_machine_joins_with_a_certificate_that_it_signed_for_itself(node: Prepared) -> None:
    join(node.machine, others(node, "10.0.0.2"))
    kept = yaml.safe_load((node.programs.folder / "kept").read_text())
    assert kept["clusters"][0]["cluster"]["server"] == "https://api.test:6443"
    user = kept["users"][0]["user"]
    certificate = x509.load_pem_x509_certificate(base64.b64decode(user["client-certificate-data"]))
    groups = {str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)}
    assert groups == {"system:bootstrappers:kubeadm:default-node-token", "kubeadm:cluster-admins"}
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "control-plane-0"
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 1
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(node.machine.folders.authority.read_bytes()))


def test_neither_key_nor_discovery_is_left_or_shown(node: Prepared, capfd: pytest.CaptureFixture[str]) -> None:
    join(node.machine, others(node, "10.0.0.2"))
    assert list(node.machine.folders.discovery.parent.iterdir()) == []
    assert "PRIVATE KEY" not in capfd.readouterr().out + "".join(node.programs.calls)


def test_neither_key_nor_discovery_is_left_by_a_join_that_fails(node: Prepared) -> None:
    node.programs.program("kubeadm", ("join", 1, "no\n"))
    with pytest.raises(Failure, match="kubeadm join failed"):
        join(node.machine, others(node, "10.0.0.2"))
    assert list(node.machine.folders.discovery.parent.iterdir()) == []


def test_the_old_node_and_the_old_member_go_before_the_new_ones_come(node: Prepared) -> None:
    join(node.machine, others(node, "10.0.0.2"))
    calls = node.programs.calls
    discovery = node.machine.folders.discovery
    deleted = f"kubectl --kubeconfig {discovery} --request-timeout=10s delete node control-plane-0 --ignore-not-found"
    joined = next(position for position, call in enumerate(calls) if call.startswith("kubeadm join"))
    assert calls.index(deleted) < calls.index("leave etcd") < joined
    assert list(node.machine.folders.etcd_data.iterdir()) == []
    assert calls.index("install-certificates.sh all") < joined
    assert calls[-1].endswith("--server https://10.0.0.1:6443 get --raw /readyz"), "its own API server"


def test_with_etcd_on_machines_of_its_own_members_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = prepared(tmp_path, monkeypatch, volume="", joins=True, others=OTHERS)
    join(node.machine, others(node, "10.0.0.2"))
    assert "leave etcd" not in node.programs.calls
    assert not node.machine.folders.etcd_data.exists()


def test_a_machine_joins_another_that_is_ready_without_waiting_for_the_load_balancer(node: Prepared) -> None:
    find_the_cluster(node.machine, others(node, "10.0.0.3"))
    assert "10.0.0.3 api.test " in node.machine.folders.hosts.read_text()


def test_where_nothing_answers_the_wait_ends_with_the_last_answer(node: Prepared) -> None:
    expected = r"waited 0s for the API at another control plane; the last answer was: 10\.0\.0\.3 does not"
    with pytest.raises(Failure, match=expected):
        join(node.machine, others(node), seconds=0)
    assert not node.programs.calls_with("kubeadm")
