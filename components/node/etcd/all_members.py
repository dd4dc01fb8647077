"""All members of the cluster's etcd, as a machine that holds one of them reaches them."""

from __future__ import annotations

from dataclasses import dataclass

from components.node.common import environment
from components.node.common.environment import read_environment
from components.node.etcd.client import EtcdClient
from components.node.etcd.cluster_lock import CONTROL_PLANE_LOCK, ETCD_LOCK
from components.node.etcd.control_plane_access import etcd_of_control_plane, external_endpoints
from components.node.etcd.this_member import this_member


@dataclass(frozen=True)
class Members:
    """The client's first endpoint is this machine's, if it holds a member. `lock` is what a member's machine holds
    before it interrupts anything.
    """

    client: EtcdClient
    lock: str
    machine: str


def members() -> Members:
    """From node.env and the documents beside it. Raises Failure for what they lack."""
    values = read_environment("ROLE", "MACHINE_NAME", "NODE_ADDRESS")
    if values["ROLE"] == "etcd":
        own = this_member()
        return Members(own.client(own.address, *own.peers), ETCD_LOCK, own.name)
    documents = (environment.ETC / "kubeadm.yaml").read_text()
    others = values.get("CONTROL_PLANE_ADDRESSES", "").split()
    client = etcd_of_control_plane(documents, values["NODE_ADDRESS"], others)
    return Members(client, ETCD_LOCK if external_endpoints(documents) else CONTROL_PLANE_LOCK, values["MACHINE_NAME"])
