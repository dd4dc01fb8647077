"""Changes of the membership, safe to repeat: an answer may be lost while etcd did what it was asked."""

from __future__ import annotations

from components.node.common.waiting import wait_until
from components.node.etcd.client import EtcdClient
from components.node.etcd.membership import member_at


def remove_member(client: EtcdClient, address: str, seconds: float) -> None:
    """Returns when there is no member at `address`. Needs a quorum, of the members before."""

    def remove() -> None:
        if member := member_at(client.members(linearizable=True), address):
            client.remove(member)

    wait_until(seconds, f"etcd to remove the member at {address}", remove)


def add_learner(client: EtcdClient, address: str, seconds: float) -> None:
    """Returns when there is a member at `address`; a new one has no vote yet."""

    def add() -> None:
        if member_at(client.members(linearizable=True), address) is None:
            client.add_learner(address)

    wait_until(seconds, f"etcd to add the member at {address}", add)
