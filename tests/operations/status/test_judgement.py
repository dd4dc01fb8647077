"""What of a stack needs its operator, by what its machines and its API have said."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from operations.status.judgement import Assessment, Observation, judge
from operations.status.observed import Certificate, Disk, KnownMember, ObservedNode, ObservedTarget, Workload
from operations.status.tables import tables
from tests.operations.status.observations import (
    DAY,
    HOUR,
    LAST,
    MIB,
    NOW,
    observation,
    plan,
    with_cluster,
    with_machine,
    with_member,
)

PROD = plan()
WELL = observation(PROD)
KNOWN = [KnownMember(f"{number}a", machine.address, learner=False) for number, machine in enumerate(PROD.members)]


@pytest.mark.parametrize("stack", ["education", "dev", "prod"])
def test_a_stack_that_is_well_needs_nothing(stack: str) -> None:
    of = plan(stack)
    assert judge(of, observation(of), NOW) == Assessment([], [])


def expiring(seconds: float) -> Observation:
    return with_machine(WELL, "etcd-1", certificates=[Certificate("/a.crt", "CN=a", NOW + seconds)])


def with_disk(free: float) -> Observation:
    return with_machine(WELL, "etcd-1", disks=[Disk("/", 100 * MIB, int(free * 100 * MIB))])


def with_node(node: ObservedNode) -> Observation:
    assert WELL.cluster
    others = [each for each in WELL.cluster.nodes if each.name != node.name]
    return with_cluster(WELL, nodes=[*others, node])


def node(name: str = "control-plane-0", pool: str = "", **changes: object) -> ObservedNode:
    well = ObservedNode(name, pool, True, "KubeletReady", "1.36.4", False, ())
    return dataclasses.replace(well, **changes)  # type: ignore[arg-type]


PROBLEMS: list[tuple[Observation, str]] = [
    (dataclasses.replace(WELL, silent=["etcd-0 can't be reached"]), "etcd-0 can't be reached"),
    (dataclasses.replace(WELL, cluster=None, cluster_why="refused"), "nodes and pods are not known: refused"),
    (with_machine(WELL, "etcd-1", restore_since="2026-11-30T10:00:00Z"), "etcd-1: a restore is under way since 2026"),
    (with_machine(WELL, "etcd-1", clock="it is 30s ahead"), "etcd-1: the clock can't be trusted: it is 30s ahead"),
    (with_machine(WELL, "etcd-1", failed_units=["a.service"]), "etcd-1: failed units: a.service"),
    (with_disk(0.04), "etcd-1: / is nearly full: 4 of 100 MiB are free"),
    (with_machine(WELL, "etcd-1", disks=[Disk("/", 0, 0, "gone")]), "etcd-1: the disk at / can't be read: gone"),
    (expiring(-DAY), "etcd-1: /a.crt (CN=a) expired 1 d 0 h ago"),
    (expiring(14 * DAY - 1), "etcd-1: /a.crt (CN=a) expires in 13 d 23 h"),
    (
        with_machine(WELL, "etcd-1", certificates=[Certificate("/a.crt", "", 0, "no PEM")]),
        "etcd-1: /a.crt can't be read: no PEM",
    ),
    (with_member(WELL, "etcd-1", why="ALARM"), "etcd-1: the etcd member does not serve: ALARM"),
    (with_member(WELL, "etcd-1", status__size=1900 * MIB), "etcd-1: etcd's database has 93% of etcd.quotaMib"),
    (with_member(WELL, "etcd-1", status__leader="1a"), "the etcd members don't agree on a leader"),
    (with_member(WELL, "etcd-1", status__leader=""), "the etcd members don't agree on a leader"),
    (
        with_member(WELL, "etcd-1", known=[*KNOWN, KnownMember("9a", "10.9.9.9", learner=False)]),
        "etcd has a member 9a at 10.9.9.9, where no machine of this stack holds one",
    ),
    (
        with_member(WELL, "etcd-1", known=[*KNOWN[:2], dataclasses.replace(KNOWN[2], learner=True)]),
        "etcd-2: the etcd member has no vote yet",
    ),
    (with_machine(WELL, "control-plane-1", api_server="refused"), "control-plane-1: the API server is not ready: ref"),
    (
        with_cluster(WELL, workloads=[Workload("kube-system/deployment/coredns", 2, 1)]),
        "kube-system/deployment/coredns: 1 of 2 pods are available",
    ),
    (
        with_cluster(WELL, pods={"kube-system/kube-scheduler-control-plane-0": "CrashLoopBackOff"}),
        "pod kube-system/kube-scheduler-control-plane-0 is not ready: CrashLoopBackOff",
    ),
    (
        with_cluster(WELL, targets=[ObservedTarget("prod-internal", "10.0.0.1", "unhealthy", "failed checks")]),
        "10.0.0.1 is unhealthy in prod-internal (failed checks)",
    ),
    (with_node(node(ready=False, reason="NodeStatusUnknown")), "node control-plane-0 is not Ready: NodeStatusUnknown"),
    (with_node(node(pressures=["DiskPressure"])), "node control-plane-0 has DiskPressure"),
    (
        with_cluster(WELL, nodes=WELL.cluster.nodes[1:] if WELL.cluster else ()),
        "control-plane-0: it is no node of the cluster",
    ),
    (
        with_cluster(WELL, nodes=[each for each in WELL.cluster.nodes if not each.pool] if WELL.cluster else ()),
        f"pool {PROD.settings.workers[0].name} has 0 nodes Ready of at least {PROD.settings.workers[0].minimum}",
    ),
]
WARNINGS: list[tuple[Observation, str]] = [
    (with_machine(WELL, "etcd-1", awaits_reboot=True), "etcd-1: updates wait for a reboot"),
    (with_disk(0.14), "etcd-1: / is nearly full: 14 of 100 MiB are free"),
    (expiring(60 * DAY - 1), "etcd-1: /a.crt (CN=a) expires in 59 d 23 h"),
    (with_member(WELL, "etcd-1", status__size=1600 * MIB), "etcd-1: etcd's database has 78% of etcd.quotaMib"),
    (with_member(WELL, "etcd-1", fsync=0.032), "etcd-1: etcd's disk is slow: 99 of 100 writes take up to 32 ms"),
    (with_member(WELL, "etcd-1", fsync=float("inf")), "99 of 100 writes take more than 8 s"),
    (with_cluster(WELL, targets_why="AccessDenied"), "the load balancers could not be asked: AccessDenied"),
    (with_node(node(cordoned=True)), "node control-plane-0 is cordoned"),
    (with_node(node(version="1.35.8")), "node control-plane-0 runs Kubernetes 1.35.8, and the stack names 1.36.4"),
    (with_node(node("stranger", "gone")), "node stranger is neither a control plane of this stack nor of one of its"),
    (
        with_machine(
            WELL,
            "etcd-1",
            snapshots={"lastOfCluster": LAST, "lastFailure": {"time": "2026-11-30T11:30:00Z", "reason": "no room"}},
        ),
        "etcd-1: its last snapshot failed at 2026-11-30T11:30:00Z: no room",
    ),
]


@pytest.mark.parametrize(("seen", "told"), PROBLEMS, ids=[told[:40] for _, told in PROBLEMS])
def test_what_does_not_work_is_a_problem_and_nothing_else_is_said(seen: Observation, told: str) -> None:
    found = judge(PROD, seen, NOW)
    assert [told in problem for problem in found.problems] == [True]
    assert found.warnings == []


@pytest.mark.parametrize(("seen", "told"), WARNINGS, ids=[told[:40] for _, told in WARNINGS])
def test_what_can_wait_is_a_warning(seen: Observation, told: str) -> None:
    found = judge(PROD, seen, NOW)
    assert [told in warning for warning in found.warnings] == [True]
    assert found.problems == []


@pytest.mark.parametrize(
    "seen",
    [expiring(60 * DAY), with_disk(0.15), with_member(WELL, "etcd-1", status__size=1500 * MIB)],
    ids=["certificate", "disk", "quota"],
)
def test_what_is_just_far_enough_away_is_not_told(seen: Observation) -> None:
    assert judge(PROD, seen, NOW) == Assessment([], [])


def test_a_member_that_the_others_do_not_know_is_told_by_its_machine() -> None:
    seen = WELL
    for machine in PROD.members:
        seen = with_member(seen, machine.name, known=KNOWN[:2])
    assert judge(PROD, seen, NOW).problems == [
        f"{PROD.members[2].name}: the other etcd members know none there; run `pulumi refresh` and `pulumi up`"
    ]


def without_snapshots() -> Observation:
    return dataclasses.replace(
        WELL, machines={name: dataclasses.replace(each, snapshots={}) for name, each in WELL.machines.items()}
    )


@pytest.mark.parametrize(
    ("seen", "now", "told"),
    [
        (without_snapshots(), NOW, "no snapshot of etcd counts yet"),
        (WELL, NOW + 6 * HOUR, "the last snapshot of etcd is 7 h 0 min old, and the next one overdue"),
    ],
)
def test_snapshots_that_stay_away_are_a_problem(seen: Observation, now: float, told: str) -> None:
    assert [told in problem for problem in judge(PROD, seen, now).problems] == [True]


def test_a_stack_without_snapshots_is_not_told_to_take_any() -> None:
    of = plan("dev")
    assert not of.settings.backups.enabled
    assert judge(of, observation(of), NOW + 300 * HOUR).problems == []


def test_a_failure_that_another_machine_has_made_good_is_not_told() -> None:
    noted = {"lastOfCluster": LAST, "lastFailure": {"time": "2026-11-30T10:30:00Z", "reason": "no room"}}
    assert judge(PROD, with_machine(WELL, "etcd-1", snapshots=noted), NOW) == Assessment([], [])


def test_notes_that_make_no_sense_count_as_none() -> None:
    seen = WELL
    for machine in PROD.members:
        seen = with_machine(seen, machine.name, snapshots={"lastOfCluster": [], "lastFailure": "a"})
    assert [told in "no snapshot of etcd counts yet" for told in judge(PROD, seen, NOW).problems] == [False]
    assert len(judge(PROD, seen, NOW).problems) == 1


def lines(seen: Observation) -> list[str]:
    return list(tables(PROD, seen, NOW))


def test_tables_have_machines_members_nodes_and_the_certificate_that_ends_first() -> None:
    seen = with_machine(WELL, "etcd-1", certificates=[Certificate("/a.crt", "CN=a", NOW + 90 * DAY)])
    shown = lines(seen)
    assert shown[0].split("  ")[0] == "MACHINE"
    assert "control-plane-0  serves      -       / 20.0 of 30.0 GiB" in shown[1]
    member = next(line for line in shown if line.startswith("etcd-1") and "3.6.14" in line)
    assert member.split() == [
        *("etcd-1", "3.6.14", "follower", "40.0", "MiB", "20.0", "MiB", "2048.0", "MiB", "4711", "up", "to", "8", "ms")
    ]
    assert any(line.split() == ["control-plane-0", "-", "yes", "1.36.4", "yes"] for line in shown)
    assert any(line.startswith("the first of 6 certificates expires 2027-02-28 12:00 UTC") for line in shown)
    assert shown[-1] == "the last snapshot of etcd was begun 2026-11-30 11:00 UTC, 1 h 0 min ago"


Change = Callable[[Observation], Observation]


@pytest.mark.parametrize(
    ("change", "cells"),
    [
        (
            lambda seen: dataclasses.replace(
                seen, machines={name: each for name, each in seen.machines.items() if name != "etcd-1"}
            ),
            ["etcd-1", "?", "?", "?", "?"],
        ),
        (lambda seen: with_member(seen, "etcd-1", why="down"), ["etcd-1", "-", "fails"]),
        (lambda seen: with_member(seen, "etcd-1", status__leader=""), ["etcd-1", "3.6.14", "no", "leader"]),
        (lambda seen: with_cluster(seen, nodes=[node(ready=False)]), ["control-plane-0", "-", "no", "1.36.4", "no"]),
    ],
)
def test_tables_show_what_is_not_well(change: Change, cells: list[str]) -> None:
    assert any(line.split()[: len(cells)] == cells for line in lines(change(WELL)))
