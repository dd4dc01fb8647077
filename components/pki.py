"""The cluster's certificate authorities and the operator's certificate. Private keys are secrets in the state."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi_tls as tls
from pulumi import ComponentResource, Output, ResourceOptions

_TEN_YEARS_IN_HOURS = 87600
_YEAR_IN_HOURS = 8760
_MONTH_IN_HOURS = 720


class Pki(ComponentResource):
    """Authorities for the cluster, the front proxy and etcd, and the key that signs service-account tokens.

    kubeadm keeps what it finds, so they are the same on every control plane and known before a machine exists.
    """

    authority: Output[str]
    control_plane_files: Mapping[str, Output[str]]

    def __init__(self, name: str, opts: ResourceOptions | None = None) -> None:
        super().__init__("quorate:index:Pki", name, None, opts)
        self._name = name
        self._cluster_key, self._cluster_ca = self._authority("cluster", "kubernetes")
        front_proxy_key, front_proxy_ca = self._authority("front-proxy", "front-proxy-ca")
        etcd_key, etcd_ca = self._authority("etcd", "etcd-ca")
        service_accounts = tls.PrivateKey(
            f"{name}-service-accounts", algorithm="RSA", rsa_bits=2048, opts=ResourceOptions(parent=self)
        )
        self.authority = self._cluster_ca.cert_pem
        self.control_plane_files = {
            "ca.crt": self._cluster_ca.cert_pem,
            "ca.key": self._cluster_key.private_key_pem,
            "front-proxy-ca.crt": front_proxy_ca.cert_pem,
            "front-proxy-ca.key": front_proxy_key.private_key_pem,
            "etcd/ca.crt": etcd_ca.cert_pem,
            "etcd/ca.key": etcd_key.private_key_pem,
            "sa.key": service_accounts.private_key_pem,
            "sa.pub": service_accounts.public_key_pem,
        }
        self._operator_key, self._operator_certificate = self._operator()
        self.register_outputs({})

    @property
    def operator_certificate(self) -> Output[str]:
        return self._operator_certificate.cert_pem

    @property
    def operator_key(self) -> Output[str]:
        return self._operator_key.private_key_pem

    def _key(self, purpose: str) -> tls.PrivateKey:
        return tls.PrivateKey(
            f"{self._name}-{purpose}", algorithm="ECDSA", ecdsa_curve="P256", opts=ResourceOptions(parent=self)
        )

    def _authority(self, purpose: str, common_name: str) -> tuple[tls.PrivateKey, tls.SelfSignedCert]:
        key = self._key(f"{purpose}-ca")
        certificate = tls.SelfSignedCert(
            f"{self._name}-{purpose}-ca",
            private_key_pem=key.private_key_pem,
            subject=tls.SelfSignedCertSubjectArgs(common_name=common_name),
            is_ca_certificate=True,
            set_subject_key_id=True,
            allowed_uses=["cert_signing", "crl_signing", "digital_signature", "key_encipherment"],
            validity_period_hours=_TEN_YEARS_IN_HOURS,
            opts=ResourceOptions(parent=self),
        )
        return key, certificate

    def _operator(self) -> tuple[tls.PrivateKey, tls.LocallySignedCert]:
        """A client certificate in the group that kubeadm binds to cluster-admin; unlike system:masters, revocable."""
        key = self._key("operator")
        request = tls.CertRequest(
            f"{self._name}-operator",
            private_key_pem=key.private_key_pem,
            subject=tls.CertRequestSubjectArgs(common_name="quorate-operator", organization="kubeadm:cluster-admins"),
            opts=ResourceOptions(parent=self),
        )
        certificate = tls.LocallySignedCert(
            f"{self._name}-operator",
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=self._cluster_key.private_key_pem,
            ca_cert_pem=self._cluster_ca.cert_pem,
            allowed_uses=["digital_signature", "key_encipherment", "client_auth"],
            validity_period_hours=_YEAR_IN_HOURS,
            # In its last month, `pulumi up` renews it.
            early_renewal_hours=_MONTH_IN_HOURS,
            opts=ResourceOptions(parent=self),
        )
        return key, certificate
