"""What the etcd member on this machine says of itself and of the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from components.node.common.failure import Failure
from components.node.etcd.client import EtcdClient

_FSYNC: Final = re.compile(r'^etcd_disk_wal_fsync_duration_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE)
_MOST: Final = 0.99


def member(client: EtcdClient) -> Mapping[str, Any]:
    """`client`'s first endpoint is that of this machine; sizes in bytes. `why` says why it does not serve, "" where it
    does; it may still answer other questions then.
    """
    own = client.at(client.endpoints[0])
    (endpoint,) = own.endpoints
    found: dict[str, Any] = {"why": "", "known": [], "fsyncSeconds": None, "status": None}
    try:
        status = own.status(endpoint)
        found["status"] = {
            "id": f"{status.member:x}",
            "leader": f"{status.leader:x}" if status.leader else "",
            "version": status.version,
            "bytes": status.size,
            "usedBytes": status.used,
            "quotaBytes": status.quota,
            "revision": status.revision,
        }
        found["known"] = [
            {"id": str(each), "name": each.name, "address": address_of(each.peer_urls), "isLearner": each.is_learner}
            for each in own.members()
        ]
        found["fsyncSeconds"] = most_fsyncs_take(own.metrics(endpoint))
        own.check_health(endpoint)
    except Failure as failure:
        found["why"] = str(failure)
    return found


def address_of(peer_urls: tuple[str, ...]) -> str:
    """Of the first; "" where there is none."""
    return (urlsplit(peer_urls[0]).hostname or "") if peer_urls else ""


def most_fsyncs_take(metrics: str) -> float | None:
    """Seconds within which 99 of 100 writes of etcd's log reached the disk since the member started; None where it says
    nothing of that. As Prometheus has it, the upper bound of a bucket; infinite beyond the last one.
    """
    buckets = [(float(bound), float(count)) for bound, count in _FSYNC.findall(metrics)]
    total = max((count for _, count in buckets), default=0)
    return next((bound for bound, count in sorted(buckets) if count >= _MOST * total), None) if total else None
