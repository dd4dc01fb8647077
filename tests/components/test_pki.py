"""The certificates and keys that the program makes, with etcd beside the control plane and on machines of its own."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pulumi

from components.kubeadm.api_server_files import ENCRYPTION_KEY
from components.pki import Pki
from tests.components.education import ANSWERS, outputs
from tests.components.recording import Recording, Secret, record

SIGNED = "tls:index/locallySignedCert:LocallySignedCert"
REQUEST = "tls:index/certRequest:CertRequest"
MEMBERS = {"etcd-0": "10.20.128.24", "etcd-1": "10.20.144.25", "etcd-2": "10.20.160.26"}


def made(members: Mapping[str, str]) -> tuple[Recording, Pki, dict[str, Any]]:
    """What was registered, and the control plane's files with their values."""
    found: list[Pki] = []
    values: dict[str, Any] = {}

    def program() -> None:
        pki = Pki("pki", members)
        found.append(pki)
        for path, value in pki.control_plane_files.items():
            value.apply(lambda text, path=path: values.__setitem__(path, text))  # type: ignore[misc]

    return record(program, outputs, ANSWERS), found[0], values


def test_with_etcd_beside_it_a_control_plane_signs_etcds_certificates_itself() -> None:
    recording, _, files = made({})
    assert {"etcd/ca.crt", "etcd/ca.key"} <= set(files)
    assert "apiserver-etcd-client.key" not in files
    assert [signed.name for signed in recording.of_type(SIGNED)] == ["pki-operator"]


def test_with_etcd_elsewhere_a_control_plane_is_a_client_and_has_no_key_of_its_authority() -> None:
    recording, _, files = made(MEMBERS)
    assert {"etcd/ca.crt", "apiserver-etcd-client.crt", "apiserver-etcd-client.key"} <= set(files)
    assert "etcd/ca.key" not in files
    client = recording.named(SIGNED, "pki-etcd-client")
    assert "client_auth" in client.inputs["allowedUses"]
    assert "server_auth" not in client.inputs["allowedUses"]


def test_a_member_is_server_and_peer_under_its_own_address_and_never_an_authority() -> None:
    recording, pki, _ = made(MEMBERS)
    for name, address in MEMBERS.items():
        assert address in recording.named(REQUEST, f"pki-{name}").inputs["ipAddresses"]
        assert {"server_auth", "client_auth"} <= set(recording.named(SIGNED, f"pki-{name}").inputs["allowedUses"])
        assert set(pki.etcd_member_files(name)) == {"ca.crt", "member.crt", "member.key"}


def test_etcds_certificates_are_signed_by_its_own_authority_and_the_operators_by_the_clusters() -> None:
    recording, _, _ = made(MEMBERS)
    for signed in recording.of_type(SIGNED):
        authority = "cluster" if signed.name == "pki-operator" else "etcd"
        assert signed.inputs["caCertPem"] == f"certificate pki-{authority}-ca\n"


def test_what_is_signed_lives_a_year_and_is_renewed_a_month_before_its_end() -> None:
    recording, _, _ = made(MEMBERS)
    assert len(recording.of_type(SIGNED)) == 5
    for signed in recording.of_type(SIGNED):
        assert (signed.inputs["validityPeriodHours"], signed.inputs["earlyRenewalHours"]) == (8760, 720)


def test_the_key_of_secrets_has_32_bytes_and_is_a_secret() -> None:
    _, pki, files = made({})
    assert len(base64.b64decode(files[ENCRYPTION_KEY])) == 32

    secret: list[bool] = []

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def look() -> Any:
        is_secret: Any = pki.control_plane_files[ENCRYPTION_KEY].is_secret()
        return pulumi.Output.from_input(is_secret).apply(secret.append)

    look()
    assert secret == [True]


def test_no_private_key_is_a_plain_input_of_a_certificate() -> None:
    recording, _, _ = made(MEMBERS)
    for resource in [*recording.of_type(SIGNED), *recording.of_type(REQUEST)]:
        for name in ("privateKeyPem", "caPrivateKeyPem"):
            assert name not in resource.inputs or isinstance(resource.inputs[name], Secret)
