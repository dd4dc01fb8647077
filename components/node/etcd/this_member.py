"""What the machine of an etcd member knows about itself, and where its files are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.node.common.environment import ETC, read_environment
from components.node.common.https import Trust
from components.node.etcd.client import EtcdClient, client_url
from components.node.etcd.cluster_mark import DISK

PKI = Path("/etc/etcd/pki")
# Whoever was lost may have been the leader.
ELECTION_SECONDS = 30


@dataclass(frozen=True)
class ThisMember:
    """What this machine knows, and where it keeps what."""

    name: str
    address: str
    peers: Sequence[str]
    version: str
    volume: str
    etc: Path = ETC
    pki: Path = PKI
    disk: Path = DISK
    election_seconds: float = ELECTION_SECONDS
    takes_snapshots: bool = False

    @property
    def data(self) -> Path:
        return self.disk / "data"

    def client(self, *addresses: str) -> EtcdClient:
        trust = Trust(self.pki / "ca.crt", self.pki / "member.crt", self.pki / "member.key")
        return EtcdClient(trust, [client_url(address) for address in addresses])


def this_member() -> ThisMember:
    """From node.env. Raises Failure for what it lacks."""
    values = read_environment("MACHINE_NAME", "NODE_ADDRESS", "ETCD_VERSION", "ETCD_VOLUME_ID")
    return ThisMember(
        name=values["MACHINE_NAME"],
        address=values["NODE_ADDRESS"],
        peers=values.get("PEER_ADDRESSES", "").split(),
        version=values["ETCD_VERSION"],
        volume=values["ETCD_VOLUME_ID"],
        takes_snapshots=bool(values.get("SNAPSHOT_BUCKET")),
    )
