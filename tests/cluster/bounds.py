"""How long clients of the prod stack may fail.

Bounds are of the mechanisms that end a fault, not of what was measured:
- the load balancers take a target out after two failed checks, and a check that is not answered fails late;
- a client of etcd gives up a connection on which nothing is acknowledged (its keepalive timeout, which is the
  connection's TCP_USER_TIMEOUT too);
- etcd's members elect another leader after one election timeout, 1 s, and a split vote takes another.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.cluster.availability import Seen

# The check in which it happens has passed; the next fails at once, and another 5 s later, given up after 4 s at most.
TARGET_OUT_SECONDS = 5 + 5 + 4 + 1
# Nothing answers, so both are given up after 4 s; the sandbox's haproxy begins the second 5 s after the first's end.
SILENT_TARGET_OUT_SECONDS = 5 + 4 + 5 + 4 + 1
# The keepalive timeout of the API server's client of etcd, and a reconnection with its backoff.
ETCD_CONNECTION_SECONDS = 10 + 5
# Connections that died in the cut are closed by its end (99-connections.conf). An attempt at a new one that began in it
# sends again after at most 8 s (1, 3, 7, 15 s after its start); gRPC waits up to 4 s between attempts.
ETCD_RECONNECTION_SECONDS = 8 + 4 + 3
# Where the sandbox's load balancers are slow: what they say, and what a check's interval more has brought to each node.
SLOW_LOAD_BALANCER_SECONDS = 40 + 5
ELECTION_SECONDS = 3
# Route 53 asks each node of a load balancer every 10 s, and gives it out no more after three failures; TTL 60 s at AWS.
NODE_OUT_SECONDS = 3 * 10 + 2
# Longer than anything that is silent for some time and fails again.
QUIET_SECONDS = 15
# What comes back takes no part before it is ready; the first requests that it answers may be slow.
FAILURES_AT_RETURN = 2
# All machines share the host's cores and its disk: as much of the seconds may fail for want of them. One target of
# three that does not answer fails five seconds in nine, as each writes and reads.
BUSY_HOST = 0.1


def assert_bounded(seen: Mapping[str, Seen], seconds: float) -> None:
    """After that many seconds hardly anything fails any more; before, it may."""
    for place, each in seen.items():
        late = [attempt for attempt in each.attempts if attempt.at > each.made + seconds]
        failed = [attempt for attempt in late if attempt.error]
        assert len(failed) <= len(late) * BUSY_HOST, f"{place}: {each}: {failed}"


def assert_return_is_smooth(seen: Mapping[str, Seen]) -> None:
    for place, each in seen.items():
        allowed = FAILURES_AT_RETURN + len(each.attempts) * BUSY_HOST
        assert len(each.failed) <= allowed, f"{place}: {each}: {each.failed}"
