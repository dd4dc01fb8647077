"""Objects that an update which was cut off has made, or an older release: taken over with all their fields."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from components.field_ownership import FIELD_MANAGER
from sandbox.tests.engine.kubernetes.conftest import Objects
from sandbox.tests.engine.kubernetes.control_plane import ControlPlane
from sandbox.tests.engine.kubernetes.test_plugin_on_an_api_server import wait_for
from sandbox.tests.engine.processes import plugin_of

pytestmark = pytest.mark.engine

OWNED = """
from components.field_ownership import owned
class Group(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("test:index:Group", "group", None, pulumi.ResourceOptions(transforms=[owned]))
on = pulumi.ResourceOptions(provider=cluster, parent=Group())
"""
AWAITED = """
k8s.core.v1.ConfigMap("a", opts=on, metadata={{"name": "{name}", "labels": {labels}, "annotations": {annotations}}})
"""
NEVER = {"pulumi.com/waitFor": "jsonpath={.metadata.labels.done}"}


def appliers(live: dict[str, Any]) -> set[str]:
    return {entry["manager"] for entry in live["metadata"].get("managedFields", ()) if entry["operation"] == "Apply"}


def cut_off(objects: Objects, program: str, name: str, control_plane: ControlPlane) -> None:
    """An update whose provider is killed when the object is there and the state does not know it yet."""
    objects.write(program)
    running = objects.start("up", "--yes", "--skip-preview")
    wait_for(name, control_plane)
    os.kill(plugin_of(running.pid, "pulumi-resource-kubernetes"), signal.SIGKILL)
    printed, _ = running.communicate(timeout=60)
    assert running.returncode != 0, printed
    assert "a" not in objects.resources(), printed


def test_after_a_creation_that_was_cut_off_a_dropped_field_goes(objects: Objects, control_plane: ControlPlane) -> None:
    both, one = {"kept": "1", "dropped": "1"}, {"kept": "1"}
    program = OWNED + AWAITED
    cut_off(objects, program.format(name="taken", labels=both, annotations=NEVER), "taken", control_plane)
    uid = control_plane.get("configmap", "taken")["metadata"]["uid"]
    objects.up(program.format(name="taken", labels=both, annotations={}))
    live = control_plane.get("configmap", "taken")
    assert live["metadata"]["uid"] == uid
    assert appliers(live) == {FIELD_MANAGER}
    objects.up(program.format(name="taken", labels=one, annotations={}))
    assert control_plane.get("configmap", "taken")["metadata"]["labels"] == one
    objects.run("up", "--yes", "--expect-no-changes")


def test_what_is_taken_over_may_differ_from_what_was_made(objects: Objects, control_plane: ControlPlane) -> None:
    program = OWNED + AWAITED
    cut_off(
        objects,
        program.format(name="differs", labels={"l": "1", "m": "1"}, annotations=NEVER),
        "differs",
        control_plane,
    )
    objects.up(program.format(name="differs", labels={"l": "2"}, annotations={}))
    assert control_plane.get("configmap", "differs")["metadata"]["labels"] == {"l": "2"}


def test_objects_of_a_release_without_the_name_are_updated_in_place_together_with_a_change(
    objects: Objects, control_plane: ControlPlane
) -> None:
    program = (
        AWAITED.format(name="older", labels="LABELS", annotations={})
        + """
labels = {"app": "web"}
pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "IMAGE"}]}}
k8s.apps.v1.Deployment("web", metadata={"name": "older"}, opts=on,
    spec={"replicas": 0, "selector": {"match_labels": labels}, "template": pod})
k8s.core.v1.Namespace("space", metadata={"name": "older"}, opts=on)
"""
    )
    older = OWNED.replace("transforms=[owned]", "")
    objects.up(older + program.replace("LABELS", '{"one": "1", "two": "2"}').replace("IMAGE", "one"))
    kinds = ("configmap", "deployment", "namespace")
    before = {kind: control_plane.get(kind, "older") for kind in kinds}
    assert all(FIELD_MANAGER not in appliers(live) for live in before.values())
    steps = objects.preview(OWNED + program.replace("LABELS", '{"one": "3"}').replace("IMAGE", "two"))
    assert {steps[name] for name in ("a", "web", "space")} == {"update"}
    objects.up()
    after = {kind: control_plane.get(kind, "older") for kind in kinds}
    assert [live["metadata"]["uid"] for live in after.values()] == [live["metadata"]["uid"] for live in before.values()]
    assert {manager for live in after.values() for manager in appliers(live)} == {FIELD_MANAGER}
    assert after["configmap"]["metadata"]["labels"] == {"one": "3"}
    assert after["deployment"]["spec"]["template"]["spec"]["containers"][0]["image"] == "two"
    objects.run("up", "--yes", "--expect-no-changes")


def test_objects_of_a_manifest_are_owned_too(objects: Objects, control_plane: ControlPlane) -> None:
    manifest = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "NAME"}, "data": {"d": "on"}}'
    objects.up(
        OWNED
        + f"""
k8s.yaml.ConfigGroup("old", yaml=['{manifest.replace("NAME", "read-here")}'], opts=on)
k8s.yaml.v2.ConfigGroup("new", yaml='{manifest.replace("NAME", "read-there")}', opts=on)
"""
    )
    for name in ("read-here", "read-there"):
        assert appliers(control_plane.get("configmap", name)) == {FIELD_MANAGER}
