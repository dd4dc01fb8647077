"""The plugin under the real engine, against a real API server: single objects without pods."""

from __future__ import annotations

import base64

import pytest

from sandbox.engine.kubernetes.cluster import Cluster
from sandbox.engine.kubernetes.objects import Object, kind_of, namespace_of
from sandbox.tests.engine.kubernetes.stack import Stack

pytestmark = pytest.mark.engine

CONFIG_MAP: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "default"}}


def exists(cluster: Cluster, obj: Object, name: str) -> bool:
    listed = cluster.list_objects(kind_of(obj), namespace_of(obj))
    return any(entry["metadata"]["name"] == name for entry in listed["items"])


def test_an_object_without_a_name_gets_one_that_it_keeps(stack: Stack, cluster: Cluster) -> None:
    stack.program("""
        made = k8s.core.v1.ConfigMap("settings", data={"a": "1"}, opts=on)
        pulumi.export("name", made.metadata.name)
    """)
    first = stack.up()
    assert first.code == 0, first.text
    name = stack.outputs()["name"]
    assert name.startswith("settings-")
    live = cluster.get(CONFIG_MAP, name)
    assert live["metadata"]["annotations"]["pulumi.com/autonamed"] == "true"
    assert live["metadata"]["managedFields"][0]["manager"].startswith("pulumi-kubernetes-")
    again = stack.up("--expect-no-changes")
    assert again.code == 0, again.text


def test_changed_data_makes_a_new_config_map_before_the_old_one_goes(stack: Stack, cluster: Cluster) -> None:
    program = """
        made = k8s.core.v1.ConfigMap("settings", data={{"a": "{value}"}}, opts=on)
        pulumi.export("name", made.metadata.name)
    """
    stack.program(program.format(value=1)).up()
    before = stack.outputs()["name"]
    stack.program(program.format(value=2))
    preview = stack.preview()
    assert "+-kubernetes:core/v1:ConfigMap: (replace)" in preview.text, preview.text
    assert '~ a: "1" => "2"' in preview.text.replace("    ", ""), preview.text
    assert stack.up().code == 0
    after = stack.outputs()["name"]
    assert after != before
    assert not exists(cluster, CONFIG_MAP, before)
    assert cluster.get(CONFIG_MAP, after)["data"] == {"a": "2"}


def test_a_fixed_name_is_deleted_before_it_is_made_again(stack: Stack, cluster: Cluster) -> None:
    program = """
        made = k8s.core.v1.ConfigMap("settings", metadata={{"name": "fixed"}}, data={{"a": "{value}"}}, opts=on)
    """
    stack.program(program.format(value=1)).up()
    uid = cluster.get(CONFIG_MAP, "fixed")["metadata"]["uid"]
    changed = stack.program(program.format(value=2)).up()
    assert changed.code == 0, changed.text
    live = cluster.get(CONFIG_MAP, "fixed")
    assert live["data"] == {"a": "2"}
    assert live["metadata"]["uid"] != uid


def test_a_field_that_is_left_out_later_goes_from_the_cluster(stack: Stack, cluster: Cluster) -> None:
    program = """
        made = k8s.core.v1.ConfigMap("a", metadata={{"name": "labelled", "labels": {labels}}}, opts=on)
    """
    assert stack.program(program.format(labels='{"one": "1", "two": "2"}')).up().code == 0
    before = cluster.get(CONFIG_MAP, "labelled")["metadata"]
    changed = stack.program(program.format(labels='{"one": "3"}')).up()
    assert changed.code == 0, changed.text
    after = cluster.get(CONFIG_MAP, "labelled")["metadata"]
    assert after["labels"] == {"one": "3"}
    assert after["uid"] == before["uid"]


def test_preview_sends_a_dry_run_and_changes_nothing(stack: Stack, cluster: Cluster) -> None:
    stack.program("""
        service = k8s.core.v1.Service("web", metadata={"name": "dry"},
            spec={"ports": [{"port": 80}]}, opts=on)
        bad = k8s.core.v1.ConfigMap("bad", metadata={"name": "Not A Name"}, opts=on)
    """)
    preview = stack.preview()
    assert preview.code != 0
    assert "Invalid value" in preview.text, preview.text
    assert not exists(cluster, {**CONFIG_MAP, "kind": "Service"}, "dry")


def test_secret_data_is_encrypted_in_the_state_wherever_it_appears(stack: Stack, cluster: Cluster) -> None:
    stack.program("""
        plain = k8s.core.v1.Secret("plain", metadata={"name": "plain"}, string_data={"k": "find-me-1"}, opts=on)
        marked = k8s.core.v1.ConfigMap("marked", metadata={"name": "marked"},
            data={"k": pulumi.Output.secret("find-me-2"), "open": "see-me"}, opts=on)
    """)
    done = stack.up()
    assert done.code == 0, done.text
    secret = cluster.get({**CONFIG_MAP, "kind": "Secret"}, "plain")
    assert base64.b64decode(secret["data"]["k"]) == b"find-me-1"
    kept = stack.exported() + done.text
    for hidden in ("find-me-1", base64.b64encode(b"find-me-1").decode(), "find-me-2"):
        assert hidden not in kept
    assert "see-me" in kept
    assert stack.up("--expect-no-changes").code == 0


def test_a_custom_kind_is_made_in_the_same_run_as_its_definition(stack: Stack, cluster: Cluster) -> None:
    stack.program("""
        crd = k8s.apiextensions.v1.CustomResourceDefinition("crd", metadata={"name": "widgets.example.com"}, spec={
            "group": "example.com", "scope": "Cluster", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                "type": "object", "x_kubernetes_preserve_unknown_fields": True}}}],
        }, opts=on)
        widget = k8s.apiextensions.CustomResource("w", api_version="example.com/v1", kind="Widget",
            metadata={"name": "w"}, spec={"size": 3},
            opts=pulumi.ResourceOptions(provider=cluster, depends_on=[crd]))
    """)
    preview = stack.preview()
    assert preview.code == 0, preview.text
    done = stack.up()
    assert done.code == 0, done.text
    widget = cluster.get({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {}}, "w")
    assert widget["spec"] == {"size": 3}
    assert stack.up("--expect-no-changes").code == 0
    assert "2 unchanged" not in stack.run("refresh", "--yes", "--expect-no-changes").text


def test_a_namespace_takes_its_objects_with_it_and_is_waited_for(stack: Stack, cluster: Cluster) -> None:
    stack.program("""
        space = k8s.core.v1.Namespace("space", metadata={"name": "space"}, opts=on)
        inside = k8s.core.v1.ConfigMap("inside", metadata={"name": "i", "namespace": space.metadata.name}, opts=on)
        pulumi.export("id", inside.id)
    """)
    assert stack.preview().code == 0
    done = stack.up()
    assert done.code == 0, done.text
    assert stack.outputs()["id"] == "space/i"
    gone = stack.run("destroy", "--yes", "--skip-preview")
    assert gone.code == 0, gone.text
    assert not exists(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {}}, "space")
