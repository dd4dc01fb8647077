"""What a cluster survives."""

from __future__ import annotations

import pytest

from operations.survival import outcomes, quorum_table
from pricing.tables import Drill, drills
from pricing.topology import topology
from tests.operations.stacks import DEV, EDUCATION, PROD, STACKED, settings, with_bastion

ALL = "all members of etcd lose their data"


def stopping(groups: dict[str, object], **changes: dict[str, object]) -> set[str]:
    return {o.failure for o in outcomes(topology(settings(groups, **changes)), ()) if o.api_stops}


def test_the_quorum_table_goes_from_one_to_nine_and_marks_this_cluster() -> None:
    rows = quorum_table(5)
    assert [(row.members, row.majority, row.losses) for row in rows] == [
        (1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2), (6, 4, 2), (7, 4, 3), (8, 5, 3), (9, 5, 4),
    ]  # fmt: skip
    assert [row.members for row in rows if row.here] == [5]


@pytest.mark.parametrize("groups", [EDUCATION, DEV])
def test_with_one_control_plane_each_of_its_failures_stops_the_api(groups: dict[str, object]) -> None:
    assert stopping(groups) == {
        "an API server stops",
        "a control-plane machine is lost, with its etcd member",
        "the leader of etcd is lost",
        "the disk of an etcd member is lost",
        "a zone is cut off",
    }


@pytest.mark.parametrize("groups", [PROD, STACKED])
def test_with_three_only_the_loss_of_a_majority_stops_the_api(groups: dict[str, object]) -> None:
    assert stopping(groups) == {"two members of etcd are lost", ALL}


def test_five_members_survive_the_loss_of_two() -> None:
    assert stopping(PROD, etcd={"members": 5}) == {ALL}


def test_two_zones_do_not_survive_the_one_with_the_majority() -> None:
    found = outcomes(topology(settings(PROD, network={"zones": 2})), ())
    zone = next(o for o in found if o.failure == "a zone is cut off")
    assert zone.api_stops
    assert "zone 1" in zone.how_long


def test_a_lost_worker_or_bastion_never_stops_the_api() -> None:
    found = {o.failure: o for o in outcomes(topology(with_bastion(settings(PROD))), ())}
    for failure in ("a worker is lost", "the bastion is lost", "a NAT gateway is lost"):
        assert not found[failure].api_stops


def test_a_drill_is_reported_only_for_a_cluster_of_its_shape() -> None:
    drill = Drill("control-plane-machine-lost", 3, "external", 3, "0.5 s", "a drill", "2026-11")
    of_its_shape = [o.measured for o in outcomes(topology(settings(PROD)), (drill,)) if o.measured]
    assert of_its_shape == ["0.5 s"]
    for groups in (EDUCATION, DEV, STACKED):
        assert not any(o.measured for o in outcomes(topology(settings(groups)), (drill,)))


def test_every_recorded_drill_belongs_to_a_failure_that_is_reported() -> None:
    for drill in drills():
        shape = {("external", 3): PROD, ("stacked", 3): STACKED, ("stacked", 1): EDUCATION}
        groups = shape[drill.topology, drill.control_planes]
        found = [o for o in outcomes(topology(settings(groups)), (drill,)) if o.measured]
        assert len(found) == 1, drill
        assert drill.source in found[0].source
        assert drill.recorded in found[0].source


def test_without_snapshots_a_lost_single_disk_is_said_to_be_final() -> None:
    def remedy(backups: bool) -> str:
        found = outcomes(topology(settings(EDUCATION, backups={"enabled": backups})), ())
        return next(o.remedy for o in found if o.failure == "the disk of an etcd member is lost")

    assert "no snapshots are taken" in remedy(False)
    assert remedy(True) == "restore the last snapshot: at most 373 minutes of changes are lost"


@pytest.mark.parametrize("groups", [EDUCATION, PROD])
def test_what_more_members_do_not_help_against_is_restored_from_a_snapshot_or_not_at_all(
    groups: dict[str, object],
) -> None:
    def remedies(**backups: object) -> set[str]:
        found = outcomes(topology(settings(groups, backups=backups)), ())
        return {o.remedy for o in found if o.failure in (ALL, "objects are deleted by mistake")}

    assert all("no snapshots are taken" in remedy for remedy in remedies())
    assert remedies(enabled=True, intervalHours=1) == {
        "restore the last snapshot: at most 73 minutes of changes are lost"
    }
