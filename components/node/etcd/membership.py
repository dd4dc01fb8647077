"""As whom a member of etcd starts: decided by what its disk holds and what the others know of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from components.node.common.failure import Failure
from components.node.etcd.client import Member, peer_url


class Entry(Enum):
    """How this member enters the cluster."""

    AS_BEFORE = auto()
    """It has its data."""
    NEW_CLUSTER = auto()
    """All members are just being made."""
    ANNOUNCED = auto()
    """The others expect it as a learner: an earlier run was cut off."""
    ADDED = auto()
    """The others have removed it: they add it as a learner."""
    REPLACED = auto()
    """Its data is lost: the others remove it and add it as a learner, while all of them are healthy."""
    REMOVED = auto()
    """It has data, and the others have removed it: etcd never starts with such data again."""


def member_at(members: Sequence[Member], address: str) -> Member | None:
    """The member whose peers reach it at `address`."""
    return next((member for member in members if peer_url(address) in member.peer_urls), None)


def entry(has_data: bool, known: Sequence[Member] | None, address: str) -> Entry:
    """`known` are the members as one of the others lists them, None where none of them answers.

    Beside data, they must be the whole cluster's answer: a member that lags behind may not know the newest ones.
    """
    if has_data:
        return Entry.REMOVED if known and member_at(known, address) is None else Entry.AS_BEFORE
    if known is None:
        return Entry.NEW_CLUSTER
    member = member_at(known, address)
    if member is None:
        return Entry.ADDED
    if member.client_urls:
        return Entry.REPLACED
    return Entry.ANNOUNCED if member.is_learner else Entry.NEW_CLUSTER


_INITIAL_CLUSTER = "ETCD_INITIAL_CLUSTER="


def initial_cluster(members: Sequence[Member], planned: str) -> str:
    """NAME=URL of each member, as etcd compares it with what the others know when it starts without data.

    `planned` is the text of etcd.env, which has the names of those that have not started yet. Raises Failure for one
    that has not, and is not planned.
    """
    (line,) = [line for line in planned.splitlines() if line.startswith(_INITIAL_CLUSTER)]
    names = {url: name for name, _, url in (each.partition("=") for each in line[len(_INITIAL_CLUSTER) :].split(","))}
    found = []
    for each in members:
        for url in each.peer_urls:
            if not (name := each.name or names.get(url)):
                raise Failure(
                    f"the others expect a member {each} at {url}, which never started and is none of this cluster's: "
                    f"remove it (etcdctl member remove {each}), then run pulumi up again"
                )
            found.append(f"{name}={url}")
    return ",".join(found)


def differs(applied: str | None, wanted: str) -> bool:
    """Whether etcd, with its data, would run otherwise: which members there were to begin with counts without data."""

    def counting(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith(_INITIAL_CLUSTER)]

    return applied is None or counting(applied) != counting(wanted)


class Service(Enum):
    START = auto()
    RESTART = auto()
    KEEP = auto()


def service(state: str, arguments_changed: bool) -> Service:
    """`state` is what systemd says of etcd; one that is `activating` runs, and waits for the others."""
    if state not in ("active", "activating"):
        return Service.START
    return Service.RESTART if arguments_changed else Service.KEEP
