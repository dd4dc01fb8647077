from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.kubernetes.diff import PropertyChange, compare, contains, property_path
from sandbox.engine.kubernetes.objects import prune
from sandbox.engine.kubernetes.replacements import forced, matches
from sandbox.engine.plugin.differences import Change, parse_path
from sandbox.engine.plugin.properties import UNKNOWN

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap"}


def changes(
    old: dict[str, Any], new: dict[str, Any], kind: dict[str, str] | None = None
) -> dict[str, tuple[Change, bool]]:
    patterns = forced(kind or CONFIG_MAP, mutable_config_maps=False, mutable_secrets=False, patch=False)
    found = compare(old, new, old, patterns)
    return {entry.key: (entry.change, entry.replaces) for entry in found}


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=3), json_values, max_size=4))
def test_an_object_does_not_differ_from_itself(obj: dict[str, Any]) -> None:
    assert compare(obj, obj, obj, ()) == []


@given(st.dictionaries(st.text(max_size=3), json_values), st.dictionaries(st.text(max_size=3), json_values))
def test_different_objects_differ(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert bool(compare(first, second, {}, ())) == (first != second or _types(first, second))


def _types(first: Any, second: Any) -> bool:
    """Whether two values that Python calls equal differ in JSON: true is not 1."""
    if isinstance(first, dict):
        return any(_types(value, second[key]) for key, value in first.items())
    if isinstance(first, list):
        return any(_types(a, b) for a, b in zip(first, second, strict=True))
    return isinstance(first, bool) != isinstance(second, bool)


@given(json_values, json_values)
def test_pruned_to_its_own_shape_an_object_stays_whole(obj: Any, other: Any) -> None:
    assert prune(obj, obj) == obj
    assert prune(prune(obj, other), other) == prune(obj, other)


def test_what_the_cluster_adds_is_pruned_away() -> None:
    live = {"spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 80, "protocol": "TCP"}]}, "status": {}}
    assert prune(live, {"spec": {"ports": [{"port": 80}]}}) == {"spec": {"ports": [{"port": 80}]}}


def test_each_change_is_named_by_its_path() -> None:
    old = {"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"ports": [{"port": 1}, {"port": 2}]}}
    new = {"metadata": {"labels": {"a": "3", "example.com/c": "4"}}, "spec": {"ports": [{"port": 1}]}}
    assert changes(old, new) == {
        "metadata.labels.a": (Change.UPDATE, False),
        "metadata.labels.b": (Change.DELETE, False),
        'metadata.labels["example.com/c"]': (Change.ADD, False),
        "spec.ports[1]": (Change.DELETE, False),
    }


def test_an_unknown_value_is_a_change() -> None:
    assert changes({"data": {"a": "1"}}, {"data": {"a": UNKNOWN}}) == {"data.a": (Change.UPDATE, True)}


def test_true_is_not_one_and_whole_numbers_are_equal_however_written() -> None:
    assert changes({"a": True}, {"a": 1}) == {"a": (Change.UPDATE, False)}
    assert changes({"a": 1}, {"a": 1.0}) == {}


@pytest.mark.parametrize(
    ("live", "written"), [("1", "1000m"), ("500m", "0.5"), ("1Gi", "1024Mi"), ("1e3", 1000), (2, "2")]
)
def test_quantities_are_compared_by_their_number(live: Any, written: Any) -> None:
    assert changes({"limits": {"cpu": live}}, {"limits": {"cpu": written}}) == {}
    assert changes({"limits": {"cpu": live}}, {"limits": {"cpu": "7"}}) != {}


def test_text_that_looks_like_a_quantity_elsewhere_is_text() -> None:
    assert changes({"args": ["1"]}, {"args": ["1000m"]}) != {}


def test_an_empty_value_that_the_server_dropped_is_no_change_but_a_new_one_is() -> None:
    assert compare({}, {"labels": {}}, {"labels": {}}, ()) == []
    assert compare({}, {"emptyDir": {}}, {}, ()) == [PropertyChange(("emptyDir",), Change.ADD, False)]


@pytest.mark.parametrize(
    ("kind", "path", "replaces"),
    [
        ("v1/ConfigMap", "data.a", True),
        ("v1/ConfigMap", "metadata.labels.a", False),
        ("v1/ConfigMap", "metadata.name", True),
        ("v1/Secret", "stringData.a", True),
        ("apps/v1/Deployment", "spec.selector.matchLabels.a", True),
        ("apps/v1/Deployment", "spec.template.spec.containers[0].image", False),
        ("v1/Pod", "spec.containers[1].image", True),
        ("v1/Pod", "spec.containers[0].name", False),
        ("batch/v1/Job", "spec.template.spec.containers[0].image", True),
        ("v1/Service", "spec.clusterIP", True),
        ("rbac.authorization.k8s.io/v1/RoleBinding", "roleRef.name", True),
        ("v1/PersistentVolumeClaim", "spec.resources.requests.storage", False),
        ("example.com/v1/Anything", "metadata.namespace", True),
    ],
)
def test_fields_that_cannot_change_replace_the_object(kind: str, path: str, replaces: bool) -> None:
    api_version, _, name = kind.rpartition("/")
    obj = {"apiVersion": api_version, "kind": name}
    patterns = forced(obj, mutable_config_maps=False, mutable_secrets=False, patch=False)
    assert any(matches(parse_path(path), pattern, "new") for pattern in patterns) == replaces


def test_mutable_config_maps_are_updated_unless_they_are_immutable() -> None:
    options = {"mutable_config_maps": True, "mutable_secrets": True, "patch": False}
    assert ".data" not in forced(CONFIG_MAP, **options)
    assert ".data" in forced({**CONFIG_MAP, "immutable": True}, **options)
    assert ".data" not in forced({"apiVersion": "v1", "kind": "Secret"}, **options)


def test_a_patch_is_replaced_only_with_what_it_patches() -> None:
    assert forced(CONFIG_MAP, mutable_config_maps=False, mutable_secrets=False, patch=True) == (
        ".metadata.name",
        ".metadata.namespace",
    )


def test_a_whole_spec_that_appears_replaces_only_if_it_holds_a_forced_field() -> None:
    assert matches(("spec",), ".spec.clusterIP", {"clusterIP": "None"})
    assert not matches(("spec",), ".spec.clusterIP", {"type": "NodePort"})


def test_ignored_paths_cover_what_is_below_them() -> None:
    assert contains(parse_path("spec"), ("spec", "replicas"))
    assert contains(parse_path("spec.containers[*].image"), ("spec", "containers", 3, "image"))
    assert not contains(parse_path("spec.replicas"), ("spec",))
    assert compare({"spec": {"a": 1}}, {"spec": {"a": 2}}, {}, (), [("spec", "a")]) == []


@given(st.lists(st.integers(0, 9) | st.text(alphabet="ab./-", min_size=1, max_size=4), min_size=1, max_size=4))
def test_written_paths_are_read_back(path: list[int | str]) -> None:
    whole: tuple[str | int, ...] = ("root", *path)
    assert parse_path(property_path(whole)) == whole
