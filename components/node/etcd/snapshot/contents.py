"""What a restore needs beside the snapshot, as the data itself says: any machine that holds etcd can read it there."""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.node.etcd.client import EtcdClient

_SECRETS = "/registry/secrets/"
_CONFIG_MAPS = "/registry/configmaps/kube-system"
# As the API server begins what it has encrypted: k8s:enc:PROVIDER:VERSION:KEY:
_ENCRYPTED = re.compile(rb"k8s:enc:([^:]+):v\d+:([^:]+):")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[\w\s+/=]+-----END CERTIFICATE-----")
_VERSION = re.compile(rb"kubernetesVersion: (v[\w.+-]+)")


@dataclass(frozen=True)
class Contents:
    """Names and fingerprints as Manifest has them; empty where the data has no such objects."""

    secrets_keys: Sequence[str]
    kubernetes_authorities: Sequence[str]
    kubernetes_version: str


def read_contents(etcd: EtcdClient) -> Contents:
    """Of the etcd that serves it. Raises Failure."""
    authority = etcd.get_key(f"{_CONFIG_MAPS}/kube-root-ca.crt") or b""
    configuration = etcd.get_key(f"{_CONFIG_MAPS}/kubeadm-config") or b""
    version = _VERSION.search(configuration)
    return Contents(
        secrets_keys(etcd.values_below(_SECRETS)),
        fingerprints(authority.decode(errors="replace")),
        version[1].decode() if version else "",
    )


def secrets_keys(values: Iterable[bytes]) -> Sequence[str]:
    """The keys that these are encrypted with, each as PROVIDER:NAME; what is not encrypted needs none."""
    found = {match.groups() for value in values if (match := _ENCRYPTED.match(value))}
    return sorted(f"{provider.decode()}:{name.decode()}" for provider, name in found)


def fingerprints(text: str) -> Sequence[str]:
    """The SHA-256, in hexadecimal, of each certificate in a text that holds PEM."""
    return [hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() for pem in _CERTIFICATE.findall(text)]
