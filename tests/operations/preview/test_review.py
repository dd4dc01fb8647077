"""The verdict on a preview."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.settings.model import Settings
from operations.preview.digest import read_preview
from operations.preview.review import Review, Verdict, mismatches, review
from pricing.topology import topology
from tests.operations.preview.digests import INSTANCE, LAUNCH_TEMPLATE, VOLUME, Digest, rollout
from tests.operations.stacks import EDUCATION, PROD, settings

RECORDED = Path(__file__).parent / "recorded"
OLD = settings(PROD)
LARGER_ETCD = settings(PROD, etcd={"instanceType": "m7i.xlarge"})
ARGUMENT = {"controlPlane": {"apiServerArguments": {"v": "2"}}}


def judged(digest: Digest, events: list[str] | None = None) -> Review:
    return review(digest.stack, read_preview(digest.text(), events or ()))


def one(kind: str, name: str, op: str, old: Any = None, new: Any = None, before: Settings | None = OLD) -> Review:
    digest = Digest("prod", before, OLD)
    digest.add(kind, name, op, old, new)
    return judged(digest)


@pytest.mark.parametrize(
    ("kind", "name", "op", "verdict"),
    [
        (VOLUME, "prod-etcd-0-etcd", "same", Verdict.NOTHING),
        (VOLUME, "prod-etcd-0-etcd", "replace", Verdict.LOSES_DATA),
        (VOLUME, "prod-etcd-0-etcd", "update", Verdict.IN_PLACE),
        (INSTANCE, "prod-etcd-0-instance", "replace", Verdict.PAUSES),
        (LAUNCH_TEMPLATE, "prod-pool-general", "update", Verdict.MOVES_PODS),
        ("aws:lb/listener:Listener", "prod-api", "replace", Verdict.STOPS_API),
    ],
)
def test_one_step_decides(kind: str, name: str, op: str, verdict: Verdict) -> None:
    assert one(kind, name, op).verdict is verdict


def test_a_stack_without_a_state_is_new_and_one_that_only_loses_is_removed() -> None:
    assert one(VOLUME, "prod-etcd-0-etcd", "create", before=None).verdict is Verdict.NEW
    assert one(VOLUME, "prod-etcd-0-etcd", "create").verdict is Verdict.IN_PLACE, "an addition"
    assert one(VOLUME, "prod-etcd-0-etcd", "delete").verdict is Verdict.DESTROYS


def test_members_that_restart_in_turn_pause_and_all_at_once_stop_the_api() -> None:
    assert judged(rollout("prod", OLD, LARGER_ETCD, in_turn=False)).verdict is Verdict.STOPS_API
    found = judged(rollout("prod", OLD, LARGER_ETCD, in_turn=True))
    # Machines are chained through the instances of the rollout, so each waits for the one before.
    assert found.verdict is Verdict.PAUSES


def test_the_only_control_plane_stops_the_api_with_itself() -> None:
    found = judged(rollout("education", settings(EDUCATION), settings(EDUCATION, **ARGUMENT), in_turn=True))
    assert found.verdict is Verdict.STOPS_API
    assert "no other machine serves it" in found.reasons[0]


def test_data_that_is_lost_outranks_an_interruption() -> None:
    digest = rollout("prod", OLD, LARGER_ETCD, in_turn=False)
    digest.add(VOLUME, "prod-etcd-9-etcd", "delete")
    assert judged(digest).verdict is Verdict.LOSES_DATA


def test_a_mandatory_rule_outranks_all_and_an_advisory_one_nothing() -> None:
    def policy(level: str) -> list[str]:
        event = {"message": "no", "policyName": "p", "policyPackName": "q", "enforcementLevel": level}
        return [json.dumps({"policyEvent": event})]

    digest = rollout("prod", OLD, LARGER_ETCD, in_turn=False)
    assert judged(digest, policy("mandatory")).verdict is Verdict.BLOCKED
    assert judged(digest, policy("advisory")).verdict is Verdict.STOPS_API


def test_errors_of_the_preview_are_the_verdict() -> None:
    digest = Digest("prod", OLD, OLD)
    digest.diagnostics.append({"severity": "error", "message": "settings have 2 problems"})
    assert (judged(digest).verdict, judged(digest).reasons) == (Verdict.FAILS, ("settings have 2 problems",))


def test_costs_are_reported_for_both_sides() -> None:
    found = judged(rollout("prod", OLD, LARGER_ETCD, in_turn=True))
    assert found.before
    assert found.before.bill
    assert found.after
    assert found.after.bill
    assert found.prices
    hours = found.prices.hours_per_month
    difference = found.after.bill.total - found.before.bill.total
    assert difference == pytest.approx(3 * hours * (0.2415 - 0.12075))


def test_a_state_of_another_version_of_the_program_has_no_before() -> None:
    raw = json.loads(Digest("prod", OLD, OLD).text())
    raw["steps"][0]["oldState"]["outputs"]["settings"]["etcd"]["gone"] = 1
    assert review("prod", read_preview(json.dumps(raw))).before is None


def test_refused_settings_have_no_after() -> None:
    raw = json.loads(Digest("prod", OLD, OLD).text())
    raw["config"]["quorate:etcd"] = '{"topology": "external", "members": 4}'
    assert review("prod", read_preview(json.dumps(raw))).after is None


def test_a_program_that_declares_something_else_than_what_is_costed_is_noticed() -> None:
    whole = rollout("prod", OLD, OLD, in_turn=True)
    assert mismatches(read_preview(whole.text()), topology(OLD)) == ()
    whole.add(INSTANCE, "prod-extra-instance", "create")
    (said,) = mismatches(read_preview(whole.text()), topology(OLD))
    assert said == "the preview declares 7 Instance, the settings imply 6"


def test_the_recorded_previews_agree_with_the_topology_and_are_judged() -> None:
    for name, verdict in (("changed", Verdict.STOPS_API), ("replaced", Verdict.STOPS_API)):
        found = review("education", read_preview((RECORDED / f"education-{name}.json").read_text()))
        assert found.after
        assert found.before
        assert mismatches(found.preview, found.after.topology) == ()
        assert found.verdict is verdict
