"""Reading what the engine printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operations.errors import OperationFailed
from operations.preview.digest import Action, read_preview
from tests.operations.preview.digests import INSTANCE, VOLUME, Digest
from tests.operations.stacks import PROD, settings

RECORDED = Path(__file__).parent / "recorded"


def digest() -> Digest:
    return Digest("prod", settings(PROD), settings(PROD))


def test_a_change_recorded_from_the_engine_is_read() -> None:
    preview = read_preview((RECORDED / "education-changed.json").read_text())
    changed = {step.name: step.differing for step in preview.of(Action.UPDATE)}
    assert changed["education-control-plane-0-etcd"] == ("size",)
    assert changed["education-control-plane-0-configure"] == ("stdin",)
    assert len(preview.of(Action.SAME)) == 41
    assert preview.root is not None
    assert preview.root.old_outputs["settings"]["etcd"]["volumeGib"] == 20
    assert preview.root.old_outputs["kubeconfig"] == "[secret]"


def test_a_replacement_recorded_from_the_engine_is_one_step() -> None:
    preview = read_preview((RECORDED / "education-replaced.json").read_text())
    replaced = [step.name for step in preview.of(Action.REPLACE)]
    assert "education-control-plane-0-instance" in replaced
    assert len(replaced) == len(set(replaced)) == 7
    assert not preview.of(Action.DELETE)


def test_the_three_steps_of_a_detailed_replacement_are_one() -> None:
    made = digest()
    for op in ("create-replacement", "replace", "delete-replaced"):
        made.add(INSTANCE, "a", op, {"ami": "old"}, {"ami": "new"}, replaceReasons=["ami"])
    (step,) = read_preview(made.text()).of(Action.REPLACE)
    assert step.forcing == ("ami",)
    assert step.old["ami"] == "old"
    assert step.new["ami"] == "new"


def test_what_differs_is_reported_by_the_inputs_and_not_by_what_the_provider_computes() -> None:
    made = digest()
    diff = {"instanceType": {"kind": "update"}, "publicIp": {"kind": "update"}}
    made.add(INSTANCE, "a", "update", {"instanceType": "a"}, {"instanceType": "b"}, detailedDiff=diff)
    (step,) = read_preview(made.text()).of(Action.UPDATE)
    assert step.differing == ("instanceType",)


def test_parents_and_deleted_with_count_as_needed() -> None:
    made = digest()
    urn = made.add(VOLUME, "disk", "create")
    made.steps[-1]["newState"] |= {"parent": "p", "deletedWith": "d", "dependencies": ["x"]}
    (step,) = [step for step in read_preview(made.text()).steps if step.urn == urn]
    assert step.needs == {"p", "d", "x"}


def test_policies_are_read_from_the_event_log() -> None:
    made = digest()
    urn = made.add(VOLUME, "prod-etcd-0-etcd", "create")
    event = {
        "resourceUrn": urn, "message": "not encrypted\n", "policyName": "disks", "policyPackName": "quorate",
        "enforcementLevel": "mandatory",
    }  # fmt: skip
    lines = [json.dumps({"sequence": 1, "policyEvent": event}), "half a li", json.dumps({"diagnosticEvent": {}})]
    preview = read_preview(made.text(), lines)
    (violation,) = preview.violations
    assert (violation.mandatory, violation.resource, violation.message) == (True, "prod-etcd-0-etcd", "not encrypted")
    assert preview.packs == ("quorate",)


def test_a_pack_that_finds_nothing_is_known_to_have_looked() -> None:
    lines = [json.dumps({"policyAnalyzeStackSummaryEvent": {"policyPackName": "quorate", "passed": ["a"]}})]
    assert read_preview(digest().text(), lines).packs == ("quorate",)


@pytest.mark.parametrize(
    "text",
    ["", "error: no stack", "[]", "{}", '{"other": 1}', '{"steps": [{}]}', '{"steps": [{"urn": "x", "op": "same"}]}'],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(OperationFailed, match="pulumi preview --json"):
        read_preview(text)
