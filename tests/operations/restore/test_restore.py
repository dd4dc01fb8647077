"""A restore from the operator's side: chosen, judged, confirmed, done in order, interrupted anywhere, and undone."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from components.plan import Plan
from operations.backups.snapshots import LATEST
from operations.errors import OperationFailed
from operations.remote.machines import CommandFailed
from operations.restore.back import undo
from operations.restore.forward import restore
from tests.operations.restore.fleet import GIB, MANIFEST, OLDER, Bucket, Fleet, fleet
from tests.operations.stacks import EDUCATION, PROD, STACKED, settings

ORDER = [
    "begin",
    "prepare",
    "stop-api",
    "take-data",
    "start-member",
    "wait-for-member",
    "held",
    "start-api-server",
    "bring-nodes-back",
    "start-controllers",
    "wait-restored",
    "end",
]


def of(groups: dict[str, Any]) -> Fleet:
    return fleet(Plan(settings(groups, cluster={"name": "prod"})))


@pytest.fixture
def prod() -> Fleet:
    return of(PROD)


def refused(prod: Fleet, bucket: Bucket | None = None, name: str = LATEST, at: str = "") -> str:
    """With what sentence, and that nothing was changed for it."""
    with pytest.raises(OperationFailed) as failure:
        restore(prod.call("prod"), bucket or Bucket(), name, at)
    assert prod.calls == []
    return str(failure.value)


@pytest.mark.parametrize("groups", [PROD, STACKED, EDUCATION], ids=["external", "stacked", "single"])
def test_all_members_are_given_the_newest_snapshot_in_order(groups: dict[str, Any]) -> None:
    prod = of(groups)
    restore(prod.call(answer="prod"), Bucket())
    assert prod.changes == ORDER
    assert prod.data() == {MANIFEST.id}
    assert prod.everything_runs()
    assert all(host.record is None for host in prod.hosts.values())
    assert {tuple(host.aside.values()) for host in prod.hosts.values() if host.holds_member} == {("living",)}
    assert prod.asked == ["Type the cluster's name, prod, to go on: "]
    told = "\n".join(prod.lines)
    assert "everything that was written since 2026-11-30T06:00:00Z, 6.0 h ago, is lost" in told
    assert "that is 2000 changes in etcd; it has 1000 keys now, and had 900 then" in told
    assert "prod is back at 2026-11-30T06:00:00Z, 6.0 h before this restore was begun; it took " in told
    assert "X-Amz-Signature" not in told


def test_members_begin_a_new_cluster_beyond_every_revision_that_anybody_has_seen(prod: Fleet) -> None:
    restore(prod.call("prod"), Bucket())
    (record,) = {(each["record"]["id"], each["record"]["bump"], each["token"]) for each in prod.given}
    assert record[1] == 1_000_002_000, "2000 changes were seen since"
    assert record[2] == f"prod-restore-{record[0]}"
    assert prod.given[0]["members"] == {machine.name: machine.address for machine in prod.plan.members}
    prepared = next(each for each in prod.given if "source" in each)
    assert prepared["source"]["manifest"]["sha256"] == MANIFEST.sha256


def test_a_later_snapshot_says_too_which_revisions_were_seen(prod: Fleet) -> None:
    for host in prod.hosts.values():
        host.etcd_runs = False
    prod.restored_keys = OLDER.keys
    restore(prod.call("prod"), Bucket(), OLDER.id)
    assert prod.given[0]["record"]["bump"] == 1_000_000_000 + MANIFEST.revision - OLDER.revision
    assert prod.data() == {OLDER.id}
    assert any("no member of etcd serves, so nobody can say how much that is" in line for line in prod.lines)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"at": "2026-11-30T05:59Z"}, OLDER.id),
        ({"at": "2026-11-30 06:00"}, MANIFEST.id),
        ({"name": OLDER.id}, OLDER.id),
        ({"name": f"daily/{MANIFEST.id}"}, MANIFEST.id),
    ],
)
def test_the_snapshot_is_chosen_by_its_id_or_by_time(prod: Fleet, asked: dict[str, str], expected: str) -> None:
    prod.restored_keys = OLDER.keys if expected == OLDER.id else None
    restore(prod.call("prod"), Bucket(), **asked)
    assert prod.data() == {expected}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"at": "2026-11-29T05:59Z"},
            "no snapshot is of 2026-11-29T05:59Z or before: the oldest that counts is 20261129T060000Z-etcd-0 of",
        ),
        ({"at": "yesterday"}, "--at yesterday is no time; write it in UTC"),
        ({"name": "another"}, "there is no snapshot another in the bucket"),
    ],
)
def test_a_snapshot_that_is_not_there_is_said_to_be(prod: Fleet, asked: dict[str, str], told: str) -> None:
    assert told in refused(prod, None, asked.get("name", LATEST), asked.get("at", ""))


def test_an_empty_bucket_is_said_to_be(prod: Fleet) -> None:
    assert "no snapshot in the bucket counts" in refused(prod, Bucket([]))
    assert "or before: none counts" in refused(prod, Bucket([]), at="2026-11-29T05:59Z")


@pytest.mark.parametrize("typed", ["", "Prod", "dev"])
def test_nothing_happens_unless_the_clusters_name_is_typed(prod: Fleet, typed: str) -> None:
    with pytest.raises(OperationFailed, match=r"nothing was changed: .* is not prod"):
        restore(prod.call(answer=typed), Bucket())
    assert prod.calls == []


def test_nobody_who_could_type_is_a_no(prod: Fleet) -> None:
    def nobody(question: str) -> str:
        raise EOFError

    call = prod.call()
    call = dataclasses.replace(call, operator=dataclasses.replace(call.operator, ask=nobody))
    with pytest.raises(OperationFailed, match="nothing is not prod"):
        restore(call, Bucket())


def test_all_reasons_are_told_at_once_before_anything_is_stopped(prod: Fleet) -> None:
    member, control_plane = prod.hosts["etcd-0"], prod.hosts["control-plane-1"]
    member.told = {
        "cluster": "dev",
        "member": {
            "why": "", "revision": 1, "keys": 1, "bytes": 1, "version": "3.5.33", "authorities": ["another"],
            "hasData": True, "freeBytes": 2 * GIB, "setAside": {},
        },
    }  # fmt: skip
    control_plane.told = {
        "controlPlane": {
            "why": "", "hasApiServer": False, "kubernetesVersion": "1.35.9", "authorities": ["another"],
            "secretsKeys": [],
        },
    }  # fmt: skip
    prod.silent = {"etcd-2"}
    told = refused(prod, Bucket([dataclasses.replace(MANIFEST, cluster="staging")]))
    for reason in (
        "nothing was stopped or changed:",
        "etcd-2 can't be reached by SSH",
        "the snapshot is of the cluster staging, and this is prod",
        "etcd-0 says that it is of the cluster dev, and this is prod",
        "control-plane-1 never was a control plane: run `pulumi up`",
        "encrypted with secretbox:key1, which control-plane-1 does not have (it has no key)",
        "the snapshot's cluster trusts another authority than control-plane-1 has",
        "the snapshot was written by Kubernetes v1.36.4, and control-plane-1 runs 1.35.9",
        "etcd on etcd-0 has another authority than when the snapshot was taken",
        "the snapshot was taken from etcd 3.6.14, and etcd-0 has 3.5.33, which can't read it",
        "the disk of etcd on etcd-0 has 2048.0 MiB free, and the snapshot beside the data takes up to 3072.0 MiB",
    ):
        assert reason in told


def test_a_machine_without_a_member_is_named(prod: Fleet) -> None:
    prod.hosts["etcd-0"].told = {"member": None}
    assert "etcd-0 says that it holds no member of etcd: run `pulumi up` first" in refused(prod)


def test_a_machine_with_an_older_program_is_named_with_its_remedy(prod: Fleet) -> None:
    prod.hosts["etcd-0"].told = {"member": {}}
    prod.broken["etcd-1", "evidence"] = CommandFailed("etcd-1: `quorate-node restore evidence` ended with 2: usage", 2)
    prod.fails("etcd-2", "evidence", "encryption.yaml can't be read")
    told = refused(prod)
    assert "etcd-0 answered with something else than evidence ('why'): run `pulumi up`, which delivers this" in told
    assert "etcd-1 has an earlier release of the program, without `restore evidence`: run `pulumi up` first" in told
    assert "encryption.yaml can't be read" in told


def test_versions_and_authorities_that_nobody_knows_are_no_reason_against_it(prod: Fleet) -> None:
    bare = dataclasses.replace(MANIFEST, kubernetes_version="", kubernetes_authorities=[], etcd_authorities=[])
    restore(prod.call("prod"), Bucket([bare]))
    assert prod.everything_runs()


def test_all_members_that_lost_their_data_get_it_back(prod: Fleet) -> None:
    for host in prod.hosts.values():
        host.data, host.etcd_runs, host.api_runs = "", False, False
    restore(prod.call("prod"), Bucket())
    assert prod.data() == {MANIFEST.id}
    assert prod.everything_runs()


def test_a_cluster_that_was_made_anew_says_so(prod: Fleet) -> None:
    for host in prod.hosts.values():
        host.revision, host.keys = 300, 200
    restore(prod.call("prod"), Bucket())
    assert any("at a later revision than today's: it was made again since" in line for line in prod.lines)


@pytest.mark.parametrize("action", ORDER)
def test_a_restore_that_was_interrupted_anywhere_goes_on_when_it_is_called_again(prod: Fleet, action: str) -> None:
    of_members = ("prepare", "take-data", "start-member", "wait-for-member", "held")
    of_the_founder = ("bring-nodes-back", "wait-restored")
    name = "etcd-1" if action in of_members else f"control-plane-{int(action not in of_the_founder)}"
    prod.broken[name, action] = OperationFailed("interrupted")
    with pytest.raises(OperationFailed, match="interrupted"):
        restore(prod.call("prod"), Bucket())
    first = {host.record["id"] for host in prod.hosts.values() if host.record}
    prod.given.clear()
    if action == "wait-restored":
        assert first == set(), "the data is in place, and the cluster's own care goes on"
    else:
        newer = dataclasses.replace(MANIFEST, id="20261130T110000Z-etcd-0", time="2026-11-30T11:00:00Z")
        restore(prod.call(answer="not asked again"), Bucket([newer, MANIFEST, OLDER]))
        assert {each["record"]["id"] for each in prod.given} == first
    assert prod.data() == {MANIFEST.id}
    assert prod.everything_runs()
    assert all(host.record is None for host in prod.hosts.values())


def test_another_snapshot_is_refused_while_one_is_under_way(prod: Fleet) -> None:
    prod.fails("etcd-1", "take-data")
    with pytest.raises(OperationFailed, match="no room on the disk"):
        restore(prod.call("prod"), Bucket())
    for asked in ({"name": OLDER.id}, {"at": "2026-11-30T07:00Z"}):
        with pytest.raises(OperationFailed, match=r"is under way since .*, and another snapshot is asked for"):
            restore(prod.call("prod"), Bucket(), **asked)
    restore(prod.call("prod"), Bucket(), MANIFEST.id)
    assert prod.data() == {MANIFEST.id}


def test_members_that_differ_or_lack_keys_are_found_before_an_api_server_starts(prod: Fleet) -> None:
    prod.restored_keys = 899
    with pytest.raises(OperationFailed, match=r"have 899 keys, and the snapshot had 900\. What was begun stays"):
        restore(prod.call("prod"), Bucket())
    assert "start-api-server" not in prod.changes
    prod.hosts["etcd-1"].keys = 898
    with pytest.raises(OperationFailed, match=r"the restored members differ: etcd-0 has 899 keys .* etcd-1 has 898"):
        restore(prod.call("prod"), Bucket())


def test_machines_that_name_different_restores_are_left_to_a_person(prod: Fleet) -> None:
    for name, id in (("etcd-0", "1"), ("etcd-1", "2")):
        prod.hosts[name].record = {"id": id, "snapshot": f"all/{id}", "bump": 1, "begun": "2026-11-30T06:00:00Z"}
    assert "the machines name different restores: all/2" in refused(prod)


# Back.


def test_a_restore_that_has_exchanged_nothing_is_given_up(prod: Fleet) -> None:
    prod.fails("etcd-1", "prepare")
    with pytest.raises(OperationFailed):
        restore(prod.call("prod"), Bucket())
    prod.calls.clear()
    undo(prod.call())
    assert prod.changes == ["end"]
    assert prod.data() == {"living"}
    assert "the restore is given up" in prod.lines[-1]


@pytest.mark.parametrize("action", ["stop-api", "take-data", "start-member", "wait-for-member", "held"])
def test_before_an_api_server_has_started_the_old_data_is_put_back(prod: Fleet, action: str) -> None:
    name = "control-plane-1" if action == "stop-api" else "etcd-1"
    prod.fails(name, action)
    with pytest.raises(OperationFailed):
        restore(prod.call("prod"), Bucket())
    undo(prod.call(answer="prod"))
    assert prod.data() == {"living"}
    assert prod.everything_runs()
    assert all(host.record is None for host in prod.hosts.values())


@pytest.mark.parametrize("action", ["begin", "stop-api", "put-data-back", "start-member", "start-api-server", "end"])
def test_going_back_goes_on_too_and_no_restore_gets_in_between(prod: Fleet, action: str) -> None:
    prod.fails("etcd-1", "held")
    with pytest.raises(OperationFailed):
        restore(prod.call("prod"), Bucket())
    name = "etcd-1" if action in ("put-data-back", "start-member") else "control-plane-1"
    prod.fails(name, action)
    _going_back_fails_and_is_under_way(prod)
    undo(prod.call(answer="not asked again"))
    assert prod.data() == {"living"}
    assert prod.everything_runs()


def test_a_member_that_had_no_data_before_stays_out_and_is_named(prod: Fleet) -> None:
    prod.hosts["etcd-2"].data = ""
    prod.fails("etcd-0", "held")
    with pytest.raises(OperationFailed):
        restore(prod.call("prod"), Bucket())
    undo(prod.call("prod"))
    assert [host.etcd_runs for name, host in prod.hosts.items() if host.holds_member] == [True, True, False]
    assert any("etcd-2 had no data before, and its etcd does not run" in line for line in prod.lines)


def test_without_a_quorum_of_old_data_there_is_no_way_back(prod: Fleet) -> None:
    for name in ("etcd-1", "etcd-2"):
        prod.hosts[name].data = ""
    prod.fails("etcd-0", "held")
    with pytest.raises(OperationFailed):
        restore(prod.call("prod"), Bucket())
    with pytest.raises(OperationFailed, match="1 of 3 members had data before, and 2 must have some to go back to"):
        undo(prod.call("prod"))


@pytest.mark.parametrize("interrupted", [True, False])
def test_after_it_has_served_the_old_data_is_restored_beyond_the_revisions_that_were_seen(
    prod: Fleet, interrupted: bool
) -> None:
    if interrupted:
        prod.fails("control-plane-2", "start-controllers")
        with pytest.raises(OperationFailed):
            restore(prod.call("prod"), Bucket())
    else:
        restore(prod.call("prod"), Bucket())
    for host in prod.hosts.values():
        host.revision += 500
    prod.given.clear()
    undo(prod.call(answer="prod"))
    assert prod.data() == {"living"}
    assert prod.everything_runs()
    assert all(host.record is None for host in prod.hosts.values())
    assert prod.given[0]["record"]["snapshot"].startswith("set aside by ")


def test_the_way_back_after_it_has_served_goes_on_where_it_was_interrupted(prod: Fleet) -> None:
    restore(prod.call("prod"), Bucket())
    for action in ("begin", "take-data", "start-controllers"):
        prod.fails("control-plane-1" if action != "take-data" else "etcd-1", action)
        _going_back_fails_and_is_under_way(prod)
    undo(prod.call(answer="not asked again"))
    assert prod.data() == {"living"}
    assert prod.everything_runs()


def test_data_that_was_set_aside_and_differs_is_not_begun_with(prod: Fleet) -> None:
    restore(prod.call("prod"), Bucket())
    (id,) = prod.hosts["etcd-1"].aside
    prod.hosts["etcd-1"].aside[id] = "something else"
    prod.calls.clear()
    with pytest.raises(OperationFailed, match="what was set aside differs from member to member"):
        undo(prod.call("prod"))
    assert prod.calls == []


def test_a_cluster_that_was_never_restored_has_nothing_to_go_back_to(prod: Fleet) -> None:
    with pytest.raises(OperationFailed, match="nothing to go back to"):
        undo(prod.call("prod"))
    prod.silent = {"etcd-0"}
    with pytest.raises(OperationFailed, match="can't be reached"):
        undo(prod.call("prod"))


def _going_back_fails_and_is_under_way(prod: Fleet) -> None:
    with pytest.raises(OperationFailed, match="no room"):
        undo(prod.call("prod"))
    with pytest.raises(OperationFailed, match="going back is under way since"):
        restore(prod.call("prod"), Bucket())
