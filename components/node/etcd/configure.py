"""Makes this machine the etcd member that /etc/quorate describes, and returns when it serves with a vote.

A new member of a new cluster, the same member on a new machine or, where its disk was lost and the others are healthy,
a new member in its place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.node.boot.etcd_volume import start_volume
from components.node.common import log
from components.node.common.environment import ETC, read_environment
from components.node.common.failure import Failure
from components.node.common.files import content_of, install_text
from components.node.common.https import Trust
from components.node.common.machine_lock import machine_lock
from components.node.common.programs import output_and_code, run, run_reporting, stream
from components.node.common.step import run_step
from components.node.common.waiting import NotYet, wait_until
from components.node.etcd.client import EtcdClient, client_url
from components.node.etcd.cluster_lock import cluster_lock
from components.node.etcd.cluster_mark import DISK, check_mark, write_mark
from components.node.etcd.member_changes import add_learner, remove_member
from components.node.etcd.membership import Entry, Service, entry, member_at, service

BIN = Path("/opt/quorate/bin")
PKI = Path("/etc/etcd/pki")
# Whoever was lost may have been the leader.
ELECTION_SECONDS = 30
# All members may be restarting, one after the other.
TURN_SECONDS = 1200


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

    @property
    def data(self) -> Path:
        return self.disk / "data"

    def client(self, *addresses: str) -> EtcdClient:
        trust = Trust(self.pki / "ca.crt", self.pki / "member.crt", self.pki / "member.key")
        return EtcdClient(trust, [client_url(address) for address in addresses])


def prepare_machine() -> None:
    run_reporting([f"{BIN}/prepare-machine.sh"])
    start_volume()
    run_reporting([f"{BIN}/install-certificates.sh", "all"])


def configure(member: ThisMember) -> None:
    """On a machine that is prepared, with its volume mounted and its certificates in place."""
    check_mark(member.pki / "ca.crt", member.volume, member.disk)
    run(["install", "--directory", "--owner", "etcd", "--group", "etcd", "--mode", "700", str(member.data)])
    enter(member)
    wanted = (member.etc / "etcd.env").read_text()
    apply_arguments(member, wanted)
    try:
        own = client_url(member.address)
        wait_until(
            600,
            f"etcd to have a quorum and to serve at {member.address}",
            lambda: member.client(member.address).check_health(own),
        )
        wait_until(300, "this member to get its vote", lambda: get_vote(member))
    except Failure:
        log.report("the last lines of etcd's log:")
        stream(["journalctl", "--unit", "etcd", "--lines", "15", "--no-pager", "--output", "cat"])
        raise
    write_mark(member.pki / "ca.crt", member.disk)
    install_text(member.etc / "applied-etcd.env", wanted)
    log.report(f"member {member.name} serves")


def enter(member: ThisMember) -> None:
    """Leaves, for the first start on a blank disk, whether etcd founds a cluster or fetches all from the others."""
    has_data = (member.data / "member").is_dir()
    peers = member.client(*member.peers)
    known = None
    if not has_data:
        # Those that don't answer are just being made, too.
        with contextlib.suppress(Failure):
            known = peers.members()
    how = entry(has_data, known, member.address)
    if how is Entry.AS_BEFORE:
        return
    if how is Entry.REPLACED:
        _wait_for_healthy_peers(member)
        log.report("the disk of this member was lost; the others are healthy: it enters again, without a vote at first")
        remove_member(peers, member.address, 60)
    if how is Entry.ADDED:
        log.report("this member was removed and not added again: adding it")
    if how in (Entry.REPLACED, Entry.ADDED):
        add_learner(peers, member.address, 60)
    state = "new" if how is Entry.NEW_CLUSTER else "existing"
    install_text(member.etc / "etcd-membership.env", f"ETCD_INITIAL_CLUSTER_STATE={state}\n")


def apply_arguments(member: ThisMember, wanted: str) -> None:
    """Starts etcd, or restarts it where it runs with other arguments than `wanted`."""
    state, _ = output_and_code(["systemctl", "is-active", "etcd"], accepted=range(256))
    changed = content_of(member.etc / "applied-etcd.env") != wanted
    match service(state.strip(), changed):
        case Service.START:
            run(["systemctl", "enable", "--quiet", "etcd"])
            log.report(f"starting etcd {member.version}")
            # It is ready when there is a leader: the others may come later.
            run(["systemctl", "start", "--no-block", "etcd"])
        case Service.RESTART:
            restart(member)
        case Service.KEEP:
            pass


def restart(member: ThisMember) -> None:
    """While no other member does the same, and all are healthy before and after."""
    cluster = member.client(member.address, *member.peers)
    try:
        cluster.check_health(client_url(member.address))
    except Failure as failure:
        # Then there is no lock, and nothing that a restart could interrupt.
        log.report(f"etcd does not serve here, so it restarts at once with its new arguments: {failure}")
        run(["systemctl", "restart", "--no-block", "etcd"])
        return

    def all_healthy() -> None:
        if unhealthy := cluster.unhealthy():
            raise NotYet("; ".join(unhealthy.values()))

    with cluster_lock(cluster, "etcd-restart", member.name, TURN_SECONDS) as lock:
        wait_until(300, "all members to be healthy before this one restarts", all_healthy)
        lock.check()
        log.report("etcd restarts with its new arguments")
        run(["systemctl", "restart", "etcd"], seconds=300)
        wait_until(300, "all members to be healthy after the restart", all_healthy)


def get_vote(member: ThisMember) -> None:
    """A learner gets its vote as soon as it has caught up. It answers no such questions itself: the others do."""
    if not member.peers:
        return
    peers = member.client(*member.peers)
    known = member_at(peers.members(), member.address)
    if known is None:
        raise NotYet(f"the others know no member at {member.address}")
    if known.is_learner:
        peers.promote(known)


def _wait_for_healthy_peers(member: ThisMember) -> None:
    """Removing a member and adding one take a quorum, so no other may be missing."""
    peers = member.client(*member.peers)

    def all_healthy() -> None:
        if unhealthy := peers.unhealthy():
            healthy = len(peers.endpoints) - len(unhealthy)
            raise NotYet(
                f"only {healthy} of {len(peers.endpoints)} others are healthy: {'; '.join(unhealthy.values())}"
            )

    try:
        wait_until(member.election_seconds, "all other members to be healthy", all_healthy)
    except Failure as failure:
        raise Failure(
            f"the disk of this one is blank, and the other members know it with data; {failure}. Nothing was changed:"
            " if the old disk exists, attach it; else bring the other members back, or restore all from a snapshot"
        ) from failure


def this_member() -> ThisMember:
    values = read_environment("MACHINE_NAME", "NODE_ADDRESS", "ETCD_VERSION", "ETCD_VOLUME_ID")
    return ThisMember(
        name=values["MACHINE_NAME"],
        address=values["NODE_ADDRESS"],
        peers=values.get("PEER_ADDRESSES", "").split(),
        version=values["ETCD_VERSION"],
        volume=values["ETCD_VOLUME_ID"],
    )


def main(arguments: Sequence[str]) -> int:
    def work() -> None:
        member = this_member()
        prepare_machine()
        configure(member)

    return run_step("configure-etcd-member", work, within=machine_lock("configure-etcd-member", 1800))
