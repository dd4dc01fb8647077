"""What ends etcd's members for good in other clusters: a used-up quota, a torn log, a removal by hand, a power cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.delivery.node_files import PROGRAM
from tests.cluster.account import fault
from tests.cluster.availability import watched
from tests.cluster.bounds import ELECTION_SECONDS, ETCD_CONNECTION_SECONDS, QUIET_SECONDS, assert_bounded
from tests.cluster.prod_cluster import CONTROL_PLANES, ETCDCTL, MEMBERS, REFRESH, STACK, UP, ProdCluster, made_prod
from tests.cluster.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

QUOTA_MIB = 128


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProdCluster]:
    with made_prod(tmp_path_factory, quotaMib=QUOTA_MIB) as made:
        yield made


@pytest.fixture(autouse=True)
def everything_is_well(prod: ProdCluster) -> None:
    until(prod.is_well, "every node Ready, every target healthy, every member well", 180)


def starts(prod: ProdCluster) -> dict[str, str]:
    """When each member's process was started."""
    show = "systemctl show etcd --property=ExecMainStartTimestampMonotonic --value"
    return {member: prod.run(member, show).strip() for member in MEMBERS}


def test_a_torn_log_is_named_with_its_remedy_and_the_member_enters_again(prod: ProdCluster) -> None:
    name, others = MEMBERS[1], [MEMBERS[0], MEMBERS[2]]
    with watched(prod.workspace, prod.workers()[0]) as watch:
        with watch.making():
            prod.run(
                name,
                "systemctl stop etcd; log=$(ls /var/lib/etcd/data/member/wal/*.wal | tail -1); "
                "dd if=/dev/urandom of=$log bs=64 count=1 seek=2000 conv=notrunc; systemctl start --no-block etcd",
            )
            fault("terminate", name)
            assert set(prod.workspace.changes(*REFRESH)) == {"delete"}
            failed = prod.workspace.pulumi(*UP, check=False)
        assert failed.returncode != 0
        assert "What this member has on its disk" in failed.stdout, failed.stdout
        assert "systemctl stop etcd; mv /var/lib/etcd/data /var/lib/etcd/data.damaged" in failed.stdout
        with watch.making():
            prod.run(name, "systemctl stop etcd; mv /var/lib/etcd/data /var/lib/etcd/data.damaged")
            prod.workspace.pulumi(*UP)
        until(prod.is_well, f"{name} is back", 120)
        seen = watch.until_well(QUIET_SECONDS, 120)
    assert_bounded(seen, ELECTION_SECONDS + ETCD_CONNECTION_SECONDS)
    assert set(prod.member_ids()) == {member.removeprefix(f"{STACK}-") for member in [name, *others]}
    assert len(prod.hashes()) == 1
    prod.assert_nothing_is_lost(watch)
    assert prod.workspace.changes(*UP) == {}


def test_a_member_that_was_removed_by_hand_enters_again_and_its_data_is_kept_aside(prod: ProdCluster) -> None:
    name, ids = MEMBERS[2], prod.member_ids()
    short = name.removeprefix(f"{STACK}-")
    prod.etcd("member", "remove", f"{ids[short]:x}")
    said = prod.run(name, f"{PROGRAM} configure-etcd-member 2>&1", seconds=180)
    now = prod.member_ids()
    assert {other: now[other] for other in ids if other != short} == {o: ids[o] for o in ids if o != short}
    assert now[short] != ids[short], said
    assert prod.run(name, "ls -d /var/lib/etcd/data.set-aside-*").strip(), said
    until(prod.is_well, f"{name} is back", 120)
    assert len(prod.hashes()) == 1
    assert prod.workspace.changes(*UP) == {}


def test_a_quota_that_is_used_up_is_named_restarts_no_member_and_is_left_as_documented(prod: ProdCluster) -> None:
    ids, before = prod.member_ids(), starts(prod)
    # Changes of one key: its history fills the file, and no API server has to hold it.
    put = f"{' '.join(ETCDCTL)} put filler </run/filler"
    said = prod.run(
        MEMBERS[0],
        f"head -c 1000000 /dev/zero | tr '\\0' x >/run/filler; "
        f"for _ in $(seq {4 * QUOTA_MIB}); do said=$({put} 2>&1) || {{ echo $said; break; }}; done",
        seconds=300,
    )
    assert "database space exceeded" in said
    prod.workspace.set("etcd", "heartbeatIntervalMs", 150)
    failed = prod.workspace.pulumi(*UP, check=False)
    assert failed.returncode != 0
    assert "the members' data has reached the quota" in failed.stdout, failed.stdout
    assert "quorate-node defragment-etcd --disarm" in failed.stdout
    assert starts(prod) == before, "no member restarts for it"
    assert prod.workspace.kubectl("get", "nodes", "-o", "name"), "what is there can be read"
    print(prod.run(MEMBERS[1], f"{PROGRAM} defragment-etcd --disarm 2>&1", seconds=300))
    until(prod.is_well, "etcd takes changes again", 180)
    assert set(prod.workspace.changes(*UP)) == {"update"}
    assert all(now != before[member] for member, now in starts(prod).items()), "the change is applied"
    assert prod.member_ids() == ids
    assert len(prod.hashes()) == 1
    assert prod.workspace.changes(*UP) == {}


def test_after_a_power_cut_of_all_machines_everything_is_well_by_itself(prod: ProdCluster) -> None:
    machines = (*MEMBERS, *CONTROL_PLANES, f"{STACK}-bastion")
    with watched(prod.workspace, prod.workers()[0]) as watch:
        for name in machines:
            fault("kill", name)
        with watch.making():
            for name in machines:
                fault("heal", name)
        watch.until_well(QUIET_SECONDS, 180)
    until(prod.is_well, "every machine is back", 180)
    prod.assert_nothing_is_lost(watch)
    assert len(prod.hashes()) == 1
    assert prod.workspace.changes(*UP) == {}
