"""Who owns which field: taking over what a creation wrote, and leaving ignored fields to others."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.engine.kubernetes.objects import Object
from sandbox.engine.kubernetes.ssa import IgnoredPathError, identity, ignore, takeover


def entry(manager: str, operation: str, fields: dict[str, Any], subresource: str = "") -> dict[str, Any]:
    extra = {"subresource": subresource} if subresource else {}
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **extra}


def live(*entries: dict[str, Any], **more: Any) -> Object:
    return {"metadata": {"resourceVersion": "7", "managedFields": list(entries)}, **more}


def test_fields_of_the_creation_join_those_that_are_applied() -> None:
    obj = live(
        entry("me", "Update", {"f:spec": {"f:a": {}}}),
        entry("me", "Apply", {"f:spec": {"f:b": {}}}),
        entry("controller", "Update", {"f:status": {}}, "status"),
    )
    test, replace = takeover(obj, "me")
    assert test == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}
    assert [(each["manager"], each["operation"]) for each in replace["value"]] == [
        ("controller", "Update"),
        ("me", "Apply"),
    ]
    assert replace["value"][1]["fieldsV1"] == {"f:spec": {"f:a": {}, "f:b": {}}}


def test_what_kubectl_applied_is_taken_over_and_what_controllers_wrote_is_not() -> None:
    assert takeover(live(entry("kubectl", "Apply", {"f:a": {}})), "me")[1]["value"][0]["manager"] == "me"
    assert takeover(live(entry("controller", "Update", {"f:a": {}})), "me") == []
    assert takeover(live(entry("me", "Update", {"f:a": {}}, "status")), "me") == []
    assert takeover(live(entry("me", "Apply", {"f:a": {}})), "me") == []


def test_an_ignored_field_of_somebody_else_is_left_out() -> None:
    obj = live(entry("scaler", "Update", {"f:spec": {"f:replicas": {}}}), spec={"replicas": 5})
    inputs: Object = {"spec": {"replicas": 1, "paused": True}}
    ignore(inputs, obj, "me", [("spec", "replicas")])
    assert inputs == {"spec": {"paused": True}}


def test_an_ignored_field_of_ones_own_keeps_the_live_value() -> None:
    fields: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
    obj = live(entry("scaler", "Update", fields), entry("me", "Apply", fields), spec={"replicas": 5})
    inputs: Object = {"spec": {"replicas": 1}}
    ignore(inputs, obj, "me", [("spec", "replicas"), ("spec", "absent")])
    assert inputs == {"spec": {"replicas": 5}}


def test_a_place_in_a_list_cannot_be_ignored() -> None:
    with pytest.raises(IgnoredPathError, match=r"spec\.containers\[0\]"):
        ignore({}, live(), "me", [("spec", "containers", 0)])


def test_the_identity_of_an_object_is_what_names_it() -> None:
    obj = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "namespace": "b", "labels": {}}, "data": {}}
    assert identity(obj) == {"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "namespace": "b"}}
