"""The cluster's certificate authorities, etcd's certificates, the operator's. Private keys are secrets in the state."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence

import pulumi_tls as tls
from pulumi import ComponentResource, Output, ResourceOptions

from components.kubeadm.api_server_files import ENCRYPTION_KEY

_TEN_YEARS_IN_HOURS = 87600
_YEAR_IN_HOURS = 8760
_MONTH_IN_HOURS = 720

Certificate = tuple[Output[str], Output[str]]
"""A certificate and its private key, as PEM."""


class Pki(ComponentResource):
    """Authorities for the cluster, the front proxy and etcd, and the keys that sign tokens and encrypt Secrets.

    kubeadm keeps what it finds, so they are the same on every control plane and known before a machine exists.
    `etcd_members` are the names and addresses of members on machines of their own; without any, each control plane
    has a member beside it, and signs that one's certificates itself. What is signed here is renewed by `pulumi up` in
    its last month.
    """

    authority: Output[str]
    control_plane_files: Mapping[str, Output[str]]

    def __init__(
        self,
        name: str,
        etcd_members: Mapping[str, str] | None = None,
        opts: ResourceOptions | None = None,
        *,
        protect: bool = False,
    ) -> None:
        """With `protect` nothing deletes the keys without which etcd's disks are of no use to anyone."""
        super().__init__("quorate:index:Pki", name, None, opts)
        self._name = name
        self._kept = ResourceOptions(parent=self, protect=True if protect else None)
        self._cluster_key, self._cluster_ca = self._authority("cluster", "kubernetes")
        front_proxy_key, front_proxy_ca = self._authority("front-proxy", "front-proxy-ca")
        self._etcd_key, self._etcd_ca = self._authority("etcd", "etcd-ca")
        service_accounts = tls.PrivateKey(f"{name}-service-accounts", algorithm="RSA", rsa_bits=2048, opts=self._kept)
        self.authority = self._cluster_ca.cert_pem
        self._members = {member: self._member(member, address) for member, address in (etcd_members or {}).items()}
        self.control_plane_files = {
            "ca.crt": self._cluster_ca.cert_pem,
            "ca.key": self._cluster_key.private_key_pem,
            "front-proxy-ca.crt": front_proxy_ca.cert_pem,
            "front-proxy-ca.key": front_proxy_key.private_key_pem,
            "etcd/ca.crt": self._etcd_ca.cert_pem,
            **self._way_to_etcd(),
            "sa.key": service_accounts.private_key_pem,
            "sa.pub": service_accounts.public_key_pem,
            # The provider makes no plain random key; the digest of one that nothing else uses is as good.
            ENCRYPTION_KEY: Output.secret(self._key("encryption", self._kept).private_key_pem.apply(_digest)),
        }
        self._operator_certificate = self._operator()
        self.register_outputs({})

    @property
    def operator_certificate(self) -> Output[str]:
        return self._operator_certificate[0]

    @property
    def operator_key(self) -> Output[str]:
        return self._operator_certificate[1]

    def etcd_member_files(self, member: str) -> Mapping[str, Output[str]]:
        """What a member on a machine of its own needs, by path. It never gets the authority's key."""
        certificate, key = self._members[member]
        return {"ca.crt": self._etcd_ca.cert_pem, "member.crt": certificate, "member.key": key}

    def _way_to_etcd(self) -> Mapping[str, Output[str]]:
        if not self._members:
            return {"etcd/ca.key": self._etcd_key.private_key_pem}
        certificate, key = self._signed("etcd-client", "kube-apiserver-etcd-client", self._etcd_signer, ["client_auth"])
        return {"apiserver-etcd-client.crt": certificate, "apiserver-etcd-client.key": key}

    def _member(self, member: str, address: str) -> Certificate:
        """Server and peer in one. Its own gateway and its peers show it as a client, so it is good for that, too."""
        uses = ["server_auth", "client_auth"]
        return self._signed(member, member, self._etcd_signer, uses, (member, "localhost"), (address, "127.0.0.1"))

    @property
    def _etcd_signer(self) -> tuple[tls.PrivateKey, tls.SelfSignedCert]:
        return self._etcd_key, self._etcd_ca

    def _key(self, purpose: str, opts: ResourceOptions | None = None) -> tls.PrivateKey:
        return tls.PrivateKey(
            f"{self._name}-{purpose}", algorithm="ECDSA", ecdsa_curve="P256", opts=opts or ResourceOptions(parent=self)
        )

    def _authority(self, purpose: str, common_name: str) -> tuple[tls.PrivateKey, tls.SelfSignedCert]:
        key = self._key(f"{purpose}-ca", self._kept)
        certificate = tls.SelfSignedCert(
            f"{self._name}-{purpose}-ca",
            private_key_pem=key.private_key_pem,
            subject=tls.SelfSignedCertSubjectArgs(common_name=common_name),
            is_ca_certificate=True,
            set_subject_key_id=True,
            allowed_uses=["cert_signing", "crl_signing", "digital_signature", "key_encipherment"],
            validity_period_hours=_TEN_YEARS_IN_HOURS,
            opts=self._kept,
        )
        return key, certificate

    def _operator(self) -> Certificate:
        """A client certificate in the group that kubeadm binds to cluster-admin; unlike system:masters, revocable."""
        signer = (self._cluster_key, self._cluster_ca)
        return self._signed(
            "operator", "quorate-operator", signer, ["client_auth"], organization="kubeadm:cluster-admins"
        )

    def _signed(
        self,
        purpose: str,
        common_name: str,
        signer: tuple[tls.PrivateKey, tls.SelfSignedCert],
        uses: Sequence[str],
        dns_names: Sequence[str] = (),
        addresses: Sequence[str] = (),
        organization: str | None = None,
    ) -> Certificate:
        """A new key, and a certificate for it that is good for a year."""
        key = self._key(purpose)
        request = tls.CertRequest(
            f"{self._name}-{purpose}",
            private_key_pem=key.private_key_pem,
            subject=tls.CertRequestSubjectArgs(common_name=common_name, organization=organization),
            dns_names=list(dns_names) or None,
            ip_addresses=list(addresses) or None,
            opts=ResourceOptions(parent=self),
        )
        signing_key, authority = signer
        certificate = tls.LocallySignedCert(
            f"{self._name}-{purpose}",
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=signing_key.private_key_pem,
            ca_cert_pem=authority.cert_pem,
            allowed_uses=["digital_signature", "key_encipherment", *uses],
            validity_period_hours=_YEAR_IN_HOURS,
            early_renewal_hours=_MONTH_IN_HOURS,
            opts=ResourceOptions(parent=self),
        )
        return certificate.cert_pem, key.private_key_pem


def _digest(text: str) -> str:
    """32 bytes in base64."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
