"""What a member of etcd says of itself and of the others."""

from __future__ import annotations

import pytest

from components.node.etcd.client import EtcdClient
from components.node.observed.member import member, most_fsyncs_take
from tests.components.node.etcd.gateway import Authority, Cluster, serving

ADDRESS = "127.83.0.10"
MIB = 1024**2
METRICS = """\
# TYPE etcd_disk_wal_fsync_duration_seconds histogram
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 500
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.002"} 985
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.004"} 995
etcd_disk_wal_fsync_duration_seconds_bucket{le="8.192"} 1000
etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 1000
etcd_disk_wal_fsync_duration_seconds_count 1000
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "pki").make(ADDRESS)


def cluster() -> Cluster:
    found = Cluster(sizes={ADDRESS: (3 * MIB, MIB)}, leader=ADDRESS, metrics=METRICS)
    found.members = [
        {"ID": "10", "name": "etcd-0", "peerURLs": [f"https://{ADDRESS}:2380"], "clientURLs": ["https://a:2379"]},
        {"ID": "11", "peerURLs": ["https://10.0.0.11:2380"], "isLearner": True},
        {"ID": "12", "peerURLs": []},
    ]
    return found


def test_it_says_its_sizes_its_leader_how_fast_its_disk_is_and_whom_it_knows(authority: Authority) -> None:
    with serving(cluster(), authority, ADDRESS, 0) as endpoint:
        found = member(EtcdClient(authority.trust, [endpoint, "https://127.83.0.11:1"]))
    assert found == {
        "why": "",
        "status": {
            "id": "1",
            "leader": "1",
            "version": "3.6.14",
            "bytes": 3 * MIB,
            "usedBytes": MIB,
            "quotaBytes": 2048 * MIB,
            "revision": 100,
        },
        "known": [
            {"id": "a", "name": "etcd-0", "address": ADDRESS, "isLearner": False},
            {"id": "b", "name": "", "address": "10.0.0.11", "isLearner": True},
            {"id": "c", "name": "", "address": "", "isLearner": False},
        ],
        "fsyncSeconds": 0.004,
    }


def test_one_with_an_alarm_says_why_and_still_the_rest(authority: Authority) -> None:
    full = cluster()
    full.alarms = ["NOSPACE"]
    with serving(full, authority, ADDRESS, 0) as endpoint:
        found = member(EtcdClient(authority.trust, [endpoint]))
    assert "NOSPACE" in found["why"]
    assert found["status"]["bytes"] == 3 * MIB
    assert found["fsyncSeconds"] == 0.004


def test_one_that_is_down_says_nothing_but_that(authority: Authority) -> None:
    found = member(EtcdClient(authority.trust, [f"https://{ADDRESS}:1"]))
    assert "does not answer" in found["why"]
    assert (found["status"], found["known"], found["fsyncSeconds"]) == (None, [], None)


@pytest.mark.parametrize(
    ("metrics", "seconds"),
    [
        ("", None),
        ('etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 0\n', None),
        (METRICS.replace(" 995", " 989"), 8.192),
        (METRICS.replace(" 995", " 985").replace('"8.192"} 1000', '"8.192"} 985'), float("inf")),
        (METRICS.replace("1000\n", "1e+06\n").replace('"8.192"} 1e+06', '"8.192"} 990000'), 8.192),
    ],
)
def test_the_time_is_the_bound_that_99_of_100_writes_kept(metrics: str, seconds: float | None) -> None:
    assert most_fsyncs_take(metrics) == seconds
