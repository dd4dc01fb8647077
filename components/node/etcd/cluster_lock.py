"""One machine of the cluster at a time: a lock in etcd, which the machine that holds it loses when it dies.

Without a quorum there is no lock, and no service that a restart could interrupt: ask `EtcdClient.check_health` first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from components.node.common import log
from components.node.common.failure import Failure
from components.node.common.waiting import NotYet, wait_until
from components.node.etcd.client import EtcdClient, Refusal

# Below it, a member is restarted or defragmented: on machines of its own, or beside the API servers.
ETCD_LOCK = "etcd-restart"
CONTROL_PLANE_LOCK = "configure-control-plane"
# A machine that died keeps the others waiting for so long. It is more than an election, or a member's restart, takes.
LEASE_SECONDS = 60


class HeldLock:
    """What the holder of a lock asks before it interrupts anything."""

    def __init__(self, client: EtcdClient, name: str, lease_seconds: float) -> None:
        self._client = client
        self._name = name
        self._lease_seconds = lease_seconds
        # Before the request: etcd counts from a later moment, so here the lease ends first.
        self._renewed = time.monotonic()
        self.lease = client.grant_lease(round(lease_seconds))
        self._gone = False
        self._released = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def is_lost(self) -> bool:
        return self._gone or time.monotonic() - self._renewed >= self._lease_seconds

    def check(self) -> None:
        """Raises Failure where the lock is no longer this machine's: then nothing may be interrupted any more."""
        # etcd may be back: a lease that it still has did not end meanwhile.
        if self.is_lost():
            self._renew()
        if self.is_lost():
            raise Failure(
                f"this machine has lost the lock {self._name}: etcd did not answer it for {self._lease_seconds:.0f}s,"
                " and another machine may hold it now. Nothing more was changed here; run pulumi up again"
            )

    def release(self) -> None:
        self._released.set()
        self._keeper.join()
        try:
            self._client.revoke_lease(self.lease)
        except Refusal:
            pass  # It has ended.
        except Failure as failure:
            log.report(f"the lock {self._name} stays for up to {self._lease_seconds:.0f}s: {failure}")

    def _keep(self) -> None:
        pause = self._lease_seconds / 4
        while not self._gone and not self._released.wait(pause):
            pause = self._lease_seconds / (4 if self._renew() else 20)

    def _renew(self) -> bool:
        begun = time.monotonic()
        try:
            alive = self._client.keep_lease_alive(self.lease)
        except Failure:
            return False
        if alive:
            self._renewed = begun
        else:
            self._gone = True
        return alive


@contextmanager
def cluster_lock(
    client: EtcdClient,
    name: str,
    holder: str,
    seconds: float,
    *,
    lease_seconds: float = LEASE_SECONDS,
    every: float = 1.0,
) -> Iterator[HeldLock]:
    """Holds the lock `name` for the machine `holder`; reports who has it meanwhile.

    The client's endpoints must be all members, since any of them may restart below the lock. Call `check()` of what it
    gives right before each interruption. Raises Failure where another machine still holds the lock after `seconds`, and
    Alarm at once where etcd has raised one: then it takes no keys.
    """
    held: HeldLock | None = None
    reported = ""

    def take() -> HeldLock:
        nonlocal held, reported
        # While there was no quorum, the lease of one that waits may have ended, too.
        if held is not None and held.is_lost():
            held.release()
            held = None
        try:
            if held is None:
                held = HeldLock(client, name, lease_seconds)
            found = client.create_key(f"quorate/lock/{name}", f"{holder} since {_now()}", held.lease)
        except Failure:
            client.unhealthy()  # Raises Alarm, if that is why.
            raise
        # An answer may have been lost on its way: then the key is this lease's already.
        if found.lease == held.lease:
            return held
        if found.value != reported:
            log.report(f"waiting for the lock {name}, held by {found.value}")
            reported = found.value
        raise NotYet(f"it is held by {found.value}")

    try:
        yield wait_until(seconds, f"the lock {name}", take, every=every)
    finally:
        if held is not None:
            held.release()


def _now() -> str:
    return time.strftime("%H:%M:%S UTC", time.gmtime())
