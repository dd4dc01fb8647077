"""Gives the disk back what etcd's members no longer use: by a timer where it pays, by hand when the quota is used up.

etcd reuses what was deleted, but its file never shrinks, and the quota counts the file.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from components.node.common import log
from components.node.common.failure import Failure
from components.node.common.machine_lock import machine_lock
from components.node.common.step import run_step, usage
from components.node.common.waiting import NotYet, wait_until
from components.node.etcd.all_members import Members, members
from components.node.etcd.client import NOSPACE, EtcdClient, Refusal, Status
from components.node.etcd.cluster_lock import cluster_lock
from components.node.restore.record import rests_while_restoring

_STEP = "defragment-etcd"
_MIB = 1024**2
# As OpenShift's operator of etcd has it: below these, the pause of a member costs more than the space is worth.
_LEAST_SIZE = 100 * _MIB
_LEAST_UNUSED_PERCENT = 45
# Of the quota: time to raise it.
_FULL_PERCENT = 80
# A member rewrites its whole file: some seconds for each GiB.
_DEFRAGMENT_SECONDS = 300
_HEALTHY_SECONDS = 60
_TURN_SECONDS = 600


def main(arguments: Sequence[str]) -> int:
    if list(arguments) not in ([], ["--disarm"]):
        return usage(f"usage: quorate-node {_STEP} [--disarm]")
    work = make_room if arguments else defragment_where_it_pays

    def act() -> None:
        if not rests_while_restoring():
            work(members())

    return run_step(_STEP, act, within=machine_lock(_STEP, 1800))


def pays(status: Status) -> bool:
    """Whether a member's file is large, and much of it unused."""
    return status.size >= _LEAST_SIZE and (status.size - status.used) * 100 >= status.size * _LEAST_UNUSED_PERCENT


def defragment_where_it_pays(found: Members) -> None:
    """One member at a time, the leader last, while all are healthy. Raises Failure where they are not."""
    client = found.client
    _check_healthy(client)
    statuses = {endpoint: client.status(endpoint) for endpoint in client.endpoints}
    for endpoint, status in statuses.items():
        if status.quota and status.used * 100 >= status.quota * _FULL_PERCENT:
            log.report(
                f"{endpoint} uses {_mib(status.used)} of its quota of {_mib(status.quota)}: raise etcd.quotaMib, "
                "or delete what nobody needs"
            )
    if not any(map(pays, statuses.values())):
        return
    with cluster_lock(client, found.lock, found.machine, _TURN_SECONDS) as lock:
        for endpoint in _leader_last(client):
            # Another machine may have done it meanwhile.
            if pays(client.status(endpoint)):
                _wait_until_healthy(client)
                lock.check()
                _defragment(client, endpoint)
        _wait_until_healthy(client)


def make_room(found: Members) -> None:
    """Forgets all but the current state, defragments each member, and ends the alarm NOSPACE.

    There is no lock, as etcd gives none then: every other step that needs one fails meanwhile, and changes nothing.
    Raises Failure where a member is not healthy but for that alarm, and Alarm where etcd raises it again.
    """
    client = found.client
    _check_healthy(client, NOSPACE)
    first, *_ = client.endpoints
    revision = client.status(first).revision
    log.report(f"forgetting what was before revision {revision}")
    try:
        client.at(first, seconds=_DEFRAGMENT_SECONDS).compact(revision)
    except Refusal as refusal:
        log.report(f"it is forgotten already: {refusal}")
    for endpoint in _leader_last(client):
        _wait_until_healthy(client, NOSPACE)
        _defragment(client, endpoint)
    _wait_until_healthy(client, NOSPACE)
    client.disarm(NOSPACE)
    _wait_until_healthy(client)
    status = client.status(first)
    log.report(f"etcd takes changes again: it uses {_mib(status.used)} of its quota of {_mib(status.quota)}")


def _leader_last(client: EtcdClient) -> Sequence[str]:
    """Whoever follows the leader pauses unnoticed; with the leader goes an election."""
    return sorted(client.endpoints, key=lambda endpoint: client.status(endpoint).leads)


def _defragment(client: EtcdClient, endpoint: str) -> None:
    before, begun = client.status(endpoint).size, time.monotonic()
    client.defragment(endpoint, _DEFRAGMENT_SECONDS)
    after = client.status(endpoint).size
    log.report(
        f"{endpoint} is defragmented: {_mib(before - after)} of {_mib(before)} are free again, "
        f"after {time.monotonic() - begun:.1f} s"
    )


def _check_healthy(client: EtcdClient, despite: str = "") -> None:
    if unhealthy := client.unhealthy(despite=despite):
        raise Failure(
            f"nothing was defragmented, as not all members are healthy: {'; '.join(unhealthy.values())}. "
            "Bring these back first"
        )


def _wait_until_healthy(client: EtcdClient, despite: str = "") -> None:
    def all_healthy() -> None:
        if unhealthy := client.unhealthy(despite=despite):
            raise NotYet("; ".join(unhealthy.values()))

    wait_until(_HEALTHY_SECONDS, "all members to be healthy", all_healthy)


def _mib(size: int) -> str:
    return f"{size / _MIB:.0f} MiB"
