"""Makes this machine the etcd member that /etc/quorate describes, and returns when it serves with a vote.

A new member of a new cluster, the same member on a new machine or, where its disk was lost or the others have removed
it, and these are healthy, a new member in its place.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from components.node.boot.etcd_volume import start_volume
from components.node.common import log
from components.node.common.clock import check_clock
from components.node.common.failure import Failure, Hopeless
from components.node.common.files import content_of, install_text
from components.node.common.machine_lock import machine_lock
from components.node.common.programs import output_and_code, run, run_reporting
from components.node.common.step import run_step
from components.node.common.units import report_complaints, wait_for_unit
from components.node.common.waiting import NotYet, wait_until
from components.node.etcd.client import client_url
from components.node.etcd.cluster_lock import ETCD_LOCK, cluster_lock
from components.node.etcd.cluster_mark import check_mark, write_mark
from components.node.etcd.member_changes import add_learner, remove_member
from components.node.etcd.member_remedies import REMEDIES
from components.node.etcd.membership import Entry, Service, differs, entry, initial_cluster, member_at, service
from components.node.etcd.this_member import ThisMember, this_member
from components.node.etcd.timers import set_timers
from components.node.restore.record import refuse_while_restoring

BIN = Path("/opt/quorate/bin")
# All members may be restarting, one after the other.
TURN_SECONDS = 1200
# etcd takes one new member at a time: the one before must have fetched all data, of which there may be GiB.
NEW_MEMBER_SECONDS = 900


def prepare_machine() -> None:
    run_reporting([f"{BIN}/prepare-machine.sh"])
    start_volume()
    run_reporting([f"{BIN}/install-certificates.sh", "all"])


def configure(member: ThisMember) -> None:
    """On a machine that is prepared, with its volume mounted and its certificates in place."""
    check_mark(member.pki / "ca.crt", member.volume, member.disk)
    make_data_folder(member)
    enter(member)
    wanted = (member.etc / "etcd.env").read_text()
    try:
        apply_arguments(member, wanted)
        own = client_url(member.address)
        wait_for_unit(
            "etcd",
            600,
            f"etcd to have a quorum and to serve at {member.address}",
            lambda: member.client(member.address).check_health(own),
            remedies=REMEDIES,
        )
        wait_for_unit("etcd", 300, "this member to get its vote", lambda: get_vote(member), remedies=REMEDIES)
    except Hopeless:
        raise
    except Failure:
        report_complaints("etcd")
        raise
    write_mark(member.pki / "ca.crt", member.disk)
    install_text(member.etc / "applied-etcd.env", wanted)
    set_timers(snapshots=member.takes_snapshots)
    log.report(f"member {member.name} serves")


def enter(member: ThisMember) -> None:
    """Leaves, for the first start on a blank disk, whether etcd founds a cluster or fetches all from the others."""
    has_data = (member.data / "member").is_dir()
    peers = member.client(*member.peers)
    known = None
    # Those that don't answer are just being made, too, or have no quorum without this one.
    with contextlib.suppress(Failure):
        known = peers.members(linearizable=has_data)
    how = entry(has_data, known, member.address)
    if how is Entry.AS_BEFORE:
        return
    if how is Entry.REPLACED:
        _wait_for_healthy_peers(
            member,
            "the disk of this one is blank, and the other members know it with data",
            "if the old disk exists, attach it; else bring the other members back, or restore all from a snapshot",
        )
        log.report("the disk of this member was lost; the others are healthy: it enters again, without a vote at first")
        remove_member(peers, member.address, 60)
    if how is Entry.REMOVED:
        _wait_for_healthy_peers(
            member,
            "the other members have removed this one, so etcd can't start with its data",
            "bring the other members back first",
        )
        aside = set_aside(member)
        log.report(
            f"the other members have removed this one, and are healthy: its data is now in {aside}, and it enters "
            "again, without a vote at first. Delete that folder when nobody misses anything"
        )
    if how is Entry.ADDED:
        log.report("the others know no member here: it enters without a vote at first, one new member at a time")
    if how in (Entry.REPLACED, Entry.REMOVED, Entry.ADDED):
        add_learner(peers, member.address, NEW_MEMBER_SECONDS)
    lines = [f"ETCD_INITIAL_CLUSTER_STATE={'new' if how is Entry.NEW_CLUSTER else 'existing'}"]
    if how is not Entry.NEW_CLUSTER:
        # Others may be to come, and etcd starts only with those that there are.
        planned = (member.etc / "etcd.env").read_text()
        lines.append(f"ETCD_INITIAL_CLUSTER={initial_cluster(peers.members(linearizable=True), planned)}")
    install_text(member.etc / "etcd-membership.env", "".join(f"{line}\n" for line in lines))


def set_aside(member: ThisMember) -> Path:
    """Keeps the data under another name, on the same disk; etcd stops before."""
    run(["systemctl", "stop", "etcd"], seconds=120)
    aside = member.disk / f"data.set-aside-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    member.data.rename(aside)
    make_data_folder(member)
    return aside


def make_data_folder(member: ThisMember) -> None:
    run(["install", "--directory", "--owner", "etcd", "--group", "etcd", "--mode", "700", str(member.data)])


def apply_arguments(member: ThisMember, wanted: str) -> None:
    """Starts etcd, or restarts it where it runs with other arguments than `wanted`."""
    state, _ = output_and_code(["systemctl", "is-active", "etcd"], accepted=range(256))
    changed = differs(content_of(member.etc / "applied-etcd.env"), wanted)
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
    """While no other member does the same, and all are healthy before and after. Raises Alarm, and restarts nothing,
    where etcd has raised one: it serves then, and gives no lock.
    """
    cluster = member.client(member.address, *member.peers)
    own = client_url(member.address)
    try:
        # An election, or a busy disk, must not let members restart together.
        wait_until(member.election_seconds, f"etcd to serve at {member.address}", lambda: cluster.check_health(own))
    except Hopeless:
        raise
    except Failure as failure:
        # Then there is no lock, and nothing that a restart could interrupt.
        log.report(f"etcd does not serve here, so it restarts at once with its new arguments: {failure}")
        run(["systemctl", "restart", "--no-block", "etcd"])
        return

    def all_healthy() -> None:
        if unhealthy := cluster.unhealthy():
            raise NotYet("; ".join(unhealthy.values()))

    with cluster_lock(cluster, ETCD_LOCK, member.name, TURN_SECONDS) as lock:
        wait_until(300, "all members to be healthy before this one restarts", all_healthy)
        lock.check()
        log.report("etcd restarts with its new arguments")
        run(["systemctl", "restart", "etcd"], seconds=300)
        wait_for_unit("etcd", 300, "all members to be healthy after the restart", all_healthy, remedies=REMEDIES)


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


def _wait_for_healthy_peers(member: ThisMember, found: str, remedy: str) -> None:
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
    except Hopeless:
        raise
    except Failure as failure:
        raise Failure(f"{found}; {failure}. Nothing was changed: {remedy}") from failure


def main(arguments: Sequence[str]) -> int:
    def work() -> None:
        refuse_while_restoring()
        member = this_member()
        prepare_machine()
        check_clock()
        configure(member)

    return run_step("configure-etcd-member", work, within=machine_lock("configure-etcd-member", 1800))
