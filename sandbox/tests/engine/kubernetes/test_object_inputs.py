"""Names, tokens, normal forms and secrets: what inputs become before a cluster sees them."""

from __future__ import annotations

import base64
import re

import pytest

from sandbox.engine.kubernetes.checkpoint import (
    UnsupportedValueError,
    checkpoint,
    parse_checkpoint,
    to_object,
    to_properties,
    with_secrets,
)
from sandbox.engine.kubernetes.manifests import ManifestError, decode
from sandbox.engine.kubernetes.naming import adopt_name, assign_name, field_manager, is_autonamed
from sandbox.engine.kubernetes.normalize import has_unknowns, normalize, quantity
from sandbox.engine.kubernetes.objects import Kind, Object, name_of, resource_id, split_id
from sandbox.engine.kubernetes.tokens import RefusedTypeError, name_of_urn, namespaced, parse, type_of_urn
from sandbox.engine.plugin.properties import UNKNOWN, Asset, Properties, Secret

URN = "urn:pulumi:dev::project::my:component:Thing$kubernetes:apps/v1:Deployment::web::1"


def test_the_urn_names_the_type_and_the_resource() -> None:
    assert type_of_urn(URN) == "kubernetes:apps/v1:Deployment"
    assert name_of_urn(URN) == "web::1"


@pytest.mark.parametrize(
    ("token", "kind", "patch"),
    [
        ("kubernetes:core/v1:ConfigMap", Kind("", "v1", "ConfigMap"), False),
        ("kubernetes:apps/v1:DeploymentPatch", Kind("apps", "v1", "Deployment"), True),
        ("kubernetes:example.com/v1:WidgetList", Kind("example.com", "v1", "WidgetList"), False),
        ("kubernetes:example.com/v1:JsonPatch", Kind("example.com", "v1", "JsonPatch"), False),
        ("kubernetes:rbac.authorization.k8s.io/v1:Role", Kind("rbac.authorization.k8s.io", "v1", "Role"), False),
    ],
)
def test_tokens_stand_for_kinds(token: str, kind: Kind, patch: bool) -> None:
    assert (parse(token).kind, parse(token).patch) == (kind, patch)


@pytest.mark.parametrize(
    "token",
    [
        "kubernetes:core/v1:ConfigMapList", "kubernetes:helm.sh/v3:Release", "kubernetes:yaml/v2:ConfigGroup",
        "kubernetes:kustomize/v2:Directory", "kubernetes:nothing:Here", "aws:ec2/instance:Instance",
    ],
)  # fmt: skip
def test_what_is_no_single_object_is_refused_by_name(token: str) -> None:
    with pytest.raises(RefusedTypeError, match=re.escape(token.split(":")[1])):
        parse(token)


def test_scopes_of_built_in_kinds_are_known_without_a_cluster() -> None:
    assert namespaced(Kind("", "v1", "Namespace")) is False
    assert namespaced(Kind("apps", "v1", "Deployment")) is True
    assert namespaced(Kind("example.com", "v1", "Widget")) is None


def test_a_new_object_without_a_name_gets_one_with_eight_random_digits() -> None:
    inputs: Object = {"metadata": {}}
    assign_name(inputs, "web", b"", "", "")
    assert re.fullmatch("web-[0-9a-f]{8}", name_of(inputs))
    assert is_autonamed(inputs)


def test_the_same_seed_makes_the_same_name() -> None:
    first: Object = {"metadata": {}}
    second: Object = {"metadata": {}}
    other: Object = {"metadata": {}}
    for obj, seed in ((first, b"1"), (second, b"1"), (other, b"2")):
        assign_name(obj, "web", seed, "", "")
    assert name_of(first) == name_of(second) != name_of(other)


@pytest.mark.parametrize("metadata", [{"name": "own"}, {"name": UNKNOWN}, {"generateName": "g-"}, UNKNOWN])
def test_what_has_a_name_or_may_have_one_is_left_alone(metadata: object) -> None:
    inputs: Object = {"metadata": metadata}
    assign_name(inputs, "web", b"", "", "")
    assert inputs == {"metadata": metadata}


def test_the_engines_autonaming_is_followed() -> None:
    inputs: Object = {"metadata": {}}
    assign_name(inputs, "web", b"", "project-web", "enforce")
    assert name_of(inputs) == "project-web"
    with pytest.raises(ValueError, match=r"\.metadata\.name"):
        assign_name({"metadata": {}}, "web", b"", "", "disabled")


def test_an_existing_object_keeps_its_generated_name_and_only_that() -> None:
    old = {"metadata": {"name": "web-12345678", "annotations": {"pulumi.com/autonamed": "true"}}}
    new: Object = {"metadata": {}}
    adopt_name(new, old)
    assert name_of(new) == "web-12345678"
    assert is_autonamed(new)
    fresh: Object = {"metadata": {}}
    adopt_name(fresh, {"metadata": {"name": "chosen"}})
    assert name_of(fresh) == ""


def test_the_field_manager_stays_with_the_resource_unless_the_annotation_says_otherwise() -> None:
    annotated = {"metadata": {"annotations": {"pulumi.com/patchFieldManager": "me"}}}
    assert field_manager(annotated, {"__fieldManager": "before"}) == "me"
    assert field_manager({}, {"__fieldManager": "before"}) == "before"
    assert re.fullmatch("pulumi-kubernetes-[0-9a-f]{8}", field_manager({}, {}))


def test_a_secrets_text_becomes_encoded_data_that_wins() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "b2xk\n", "b": "Yg=="}, "stringData": {"a": "new"}}
    assert normalize(secret)["data"] == {"a": base64.b64encode(b"new").decode(), "b": "Yg=="}
    assert "stringData" not in normalize(secret)
    assert normalize({**secret, "kind": "Other"})["stringData"] == {"a": "new"}


def test_what_the_server_decides_is_dropped_and_the_argument_is_not_changed() -> None:
    given = {"metadata": {"name": "a", "uid": "1", "resourceVersion": "2", "creationTimestamp": None}}
    assert normalize(given) == {"metadata": {"name": "a"}}
    assert given["metadata"]["uid"] == "1"


def test_unknowns_are_found_at_any_depth() -> None:
    assert has_unknowns({"a": [{"b": UNKNOWN}]})
    assert not has_unknowns({"a": [{"b": "1"}]})


@pytest.mark.parametrize("wrong", ["", "1x", "1.2.3", True, None, {}])
def test_what_is_no_quantity_has_no_number(wrong: object) -> None:
    assert quantity(wrong) is None


def test_ids_name_namespace_and_name() -> None:
    assert resource_id({"metadata": {"name": "a", "namespace": "b"}}) == "b/a"
    assert split_id("b/a") == ("b", "a")
    assert split_id("a") == ("", "a")


def test_properties_become_objects_without_secrets_nulls_and_fractions() -> None:
    given: Properties = {
        "spec": {"n": 3.0, "half": 0.5, "none": None, "s": Secret("v"), "no": Secret(None)},
        "x_kubernetes_list_type": "map",
    }
    obj = to_object(given)
    assert obj == {"spec": {"n": 3, "half": 0.5, "s": "v"}, "x-kubernetes-list-type": "map"}
    assert isinstance(obj["spec"]["n"], int)
    assert "x_kubernetes_list_type" in to_properties(obj)


def test_files_are_no_part_of_an_object() -> None:
    with pytest.raises(UnsupportedValueError, match=r"data\.file"):
        to_object({"data": {"file": Asset(text="x")}})


def test_secrets_stay_secret_as_narrowly_as_they_were() -> None:
    given: Properties = {"kind": "ConfigMap", "data": {"a": Secret("1"), "b": "2"}, "list": [Secret("x"), "y"]}
    marked = with_secrets({"kind": "ConfigMap", "data": {"a": "1", "b": "2"}, "list": ["x", "y"]}, given)
    assert marked == {"kind": "ConfigMap", "data": {"a": Secret("1"), "b": "2"}, "list": Secret(["x", "y"])}


def test_a_kubernetes_secrets_data_is_always_secret() -> None:
    marked = with_secrets({"kind": "Secret", "data": {"a": "1"}, "type": "Opaque"}, {})
    assert marked == {"kind": "Secret", "data": Secret({"a": "1"}), "type": "Opaque"}


def test_a_checkpoint_is_read_back() -> None:
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}}
    live = {**inputs, "metadata": {"uid": "1"}}
    state = checkpoint(inputs, live, {"data": Secret({"a": "1"})}, "v1", "manager")
    assert state["data"] == Secret({"a": "1"})
    assert state["__fieldManager"] == "manager"
    assert parse_checkpoint(state) == (inputs, live)


def test_manifests_are_taken_apart() -> None:
    text = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {at: 2020-01-02}}}
---
---
{apiVersion: v1, kind: Namespace, metadata: {name: n}}
"""
    found = decode(text, "space", lambda kind: kind.kind != "Namespace")
    assert [entry["kind"] for entry in found] == ["ConfigMap", "Namespace"]
    assert found[0]["metadata"] == {"name": "a", "annotations": {"at": "2020-01-02"}, "namespace": "space"}
    assert "namespace" not in found[1]["metadata"]


@pytest.mark.parametrize("text", ["{", "just text", "kind: X"])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ManifestError):
        decode(text, "", lambda kind: True)
