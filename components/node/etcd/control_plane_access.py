"""How a control plane reaches the cluster's etcd, be it on machines of its own or beside the API servers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

# The one package beside the standard library: cloud-init needs it, so every machine has it.
import yaml

from components.node.common.https import Trust
from components.node.etcd.client import EtcdClient, client_url

KUBERNETES_PKI = Path("/etc/kubernetes/pki")


def etcd_of_control_plane(
    kubeadm: str, own_address: str, other_addresses: Sequence[str], pki: Path = KUBERNETES_PKI
) -> EtcdClient:
    """A client of all members. `kubeadm` is the text of kubeadm.yaml; the addresses are those of the control planes."""
    trust = Trust(pki / "etcd" / "ca.crt", pki / "apiserver-etcd-client.crt", pki / "apiserver-etcd-client.key")
    stacked = tuple(client_url(address) for address in (own_address, *other_addresses))
    return EtcdClient(trust, external_endpoints(kubeadm) or stacked)


def external_endpoints(kubeadm: str) -> tuple[str, ...]:
    """The endpoints that a kubeadm document names, none where etcd runs on the control planes."""
    for document in yaml.safe_load_all(kubeadm):
        if isinstance(document, dict) and document.get("kind") == "ClusterConfiguration":
            return tuple(document.get("etcd", {}).get("external", {}).get("endpoints", ()))
    return ()
