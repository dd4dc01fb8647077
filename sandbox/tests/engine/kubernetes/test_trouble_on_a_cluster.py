"""The plugin under the real engine when something refuses, conflicts, is lost or is a lot."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from sandbox.engine.kubernetes.cluster import Cluster
from sandbox.engine.kubernetes.objects import Kind, Object
from sandbox.tests.engine.kubernetes.control_plane import ControlPlane
from sandbox.tests.engine.kubernetes.stack import Stack
from sandbox.tests.engine.processes import plugin_of

pytestmark = pytest.mark.engine

CONFIG_MAP: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "default"}}
SERVICE: Object = {**CONFIG_MAP, "kind": "Service"}


def test_a_change_that_the_server_refuses_is_told_and_can_be_taken_back(stack: Stack, cluster: Cluster) -> None:
    program = 'k8s.core.v1.Service("s", metadata={"name": "s"}, spec={"ports": [{"port": PORT}]}, opts=on)'
    assert stack.program(program.replace("PORT", "80")).up().code == 0
    refused = stack.program(program.replace("PORT", "99999")).up()
    assert refused.code != 0
    assert "must be between 1 and 65535" in refused.text
    assert cluster.get(SERVICE, "s")["spec"]["ports"][0]["port"] == 80
    again = stack.up()
    assert "must be between 1 and 65535" in again.text, "a refused change must be tried again"
    mended = stack.program(program.replace("PORT", "81")).up()
    assert mended.code == 0, mended.text
    assert cluster.get(SERVICE, "s")["spec"]["ports"][0]["port"] == 81


def test_an_annotation_that_says_nonsense_leaves_nothing_behind(stack: Stack, cluster: Cluster) -> None:
    stack.program("""
        k8s.core.v1.ConfigMap("a", opts=on,
            metadata={"name": "nonsense", "annotations": {"pulumi.com/waitFor": "Ready"}})
    """)
    refused = stack.up()
    assert refused.code != 0
    assert "pulumi.com/waitFor" in refused.text
    items = cluster.list_objects(Kind("", "v1", "ConfigMap"), "default")["items"]
    assert not any(entry["metadata"]["name"] == "nonsense" for entry in items)


def test_a_field_that_somebody_else_applies_is_a_conflict_that_force_resolves(stack: Stack, cluster: Cluster) -> None:
    program = """
        k8s.core.v1.ConfigMap("a", opts=on,
            metadata={"name": "contested", "labels": {"l": "VALUE"}, "annotations": {FORCE}})
    """
    plain = program.replace("FORCE", "")
    assert stack.program(plain.replace("VALUE", "1")).up().code == 0
    theirs = {**CONFIG_MAP, "metadata": {"name": "contested", "namespace": "default", "labels": {"l": "theirs"}}}
    cluster.apply(theirs, "somebody", force=True)
    conflict = stack.program(plain.replace("VALUE", "2")).up()
    assert conflict.code != 0
    assert "Server-Side Apply field conflict detected" in conflict.text, conflict.text
    assert 'conflict with "somebody"' in conflict.text
    forced = stack.program(program.replace("VALUE", "3").replace("FORCE", '"pulumi.com/patchForce": "true"')).up()
    assert forced.code == 0, forced.text
    assert cluster.get(CONFIG_MAP, "contested")["metadata"]["labels"]["l"] == "3"


def test_a_definition_is_changed_in_place_without_losing_its_objects(stack: Stack, cluster: Cluster) -> None:
    program = """
        crd = k8s.apiextensions.v1.CustomResourceDefinition("crd", metadata={"name": "gears.example.com"}, spec={
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "gears", "kind": "Gear", "shortNames": NAMES},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                "type": "object", "properties": {"spec": {"type": "object", "properties": {
                    "size": {"type": "integer"}, "port": {"x_kubernetes_int_or_string": True}}}}}}}],
        }, opts=on)
        gear = k8s.apiextensions.CustomResource("g", api_version="example.com/v1", kind="Gear",
            metadata={"name": "g"}, spec={"size": 3, "port": "http"},
            opts=pulumi.ResourceOptions(provider=cluster, depends_on=[crd]))
    """
    first = stack.program(program.replace("NAMES", '["g"]')).up()
    assert first.code == 0, first.text
    gear: Object = {"apiVersion": "example.com/v1", "kind": "Gear", "metadata": {"namespace": "default"}}
    uid = cluster.get(gear, "g")["metadata"]["uid"]
    changed = stack.program(program.replace("NAMES", '["g", "ge"]')).up()
    assert changed.code == 0, changed.text
    assert "1 updated" in changed.text
    assert cluster.get(gear, "g")["metadata"]["uid"] == uid
    patched = stack.program(
        program.replace("NAMES", '["g", "ge"]')
        + """
        k8s.apiextensions.CustomResourcePatch("p", api_version="example.com/v1", kind="Gear",
            metadata={"name": "g", "labels": {"p": "1"}},
            opts=pulumi.ResourceOptions(provider=cluster, depends_on=[gear]))
    """
    ).up()
    assert patched.code == 0, patched.text
    assert cluster.get(gear, "g")["metadata"]["labels"] == {"p": "1"}


def test_objects_of_a_cluster_that_is_gone_leave_the_state_when_that_is_asked_for(
    stack: Stack, control_plane: ControlPlane
) -> None:
    program = 'k8s.core.v1.ConfigMap("a", metadata={"name": "orphan"}, opts=on)'
    assert stack.program(program).up().code == 0
    stack.with_kubeconfig(control_plane.kubeconfig_at(1))
    kept = stack.run("destroy", "--yes", "--skip-preview", "--run-program")
    assert kept.code != 0
    assert "PULUMI_K8S_DELETE_UNREACHABLE" in kept.text, kept.text
    stack.with_environment(PULUMI_K8S_DELETE_UNREACHABLE="true")
    gone = stack.run("destroy", "--yes", "--skip-preview", "--run-program")
    assert gone.code == 0, gone.text


def test_the_ambient_kubeconfig_serves_the_default_provider(
    stack: Stack, control_plane: ControlPlane, tmp_path: Path
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(control_plane.kubeconfig)
    stack.with_environment(KUBECONFIG=str(path))
    done = stack.program('pulumi.export("n", k8s.core.v1.ConfigMap("ambient").metadata.namespace)').up()
    assert done.code == 0, done.text
    assert stack.outputs()["n"] == "default"


def test_many_objects_are_made_at_once(stack: Stack, cluster: Cluster) -> None:
    stack.program("""
        for index in range(150):
            k8s.core.v1.ConfigMap(f"m{index}", metadata={"name": f"many-{index}", "labels": {"many": "1"}}, opts=on)
    """)
    started = time.monotonic()
    done = stack.up("--parallel=50")
    assert done.code == 0, done.text
    assert time.monotonic() - started < 30
    items = cluster.list_objects(Kind("", "v1", "ConfigMap"), "default", {"labelSelector": "many=1"})["items"]
    assert len(items) == 150


def test_after_the_plugin_was_killed_in_a_wait_up_can_be_run_again(stack: Stack, cluster: Cluster) -> None:
    program = """
        k8s.core.v1.ConfigMap("a", metadata={"name": "awaited", "annotations": {
            "pulumi.com/waitFor": "jsonpath={.metadata.labels.done}"}}, opts=on)
    """
    started = stack.program(program).start("up", "--yes", "--skip-preview")
    items: list[Object] = []
    deadline = time.monotonic() + 60
    while not items and time.monotonic() < deadline:
        listed = cluster.list_objects(Kind("", "v1", "ConfigMap"), "default")["items"]
        items = [entry for entry in listed if entry["metadata"]["name"] == "awaited"]
        time.sleep(0.2)
    os.kill(plugin_of(started.pid, "engine.kubernetes"), signal.SIGKILL)
    text, _ = started.communicate(timeout=60)
    assert started.returncode != 0, text
    again = stack.program(program.replace("waitFor", "other")).up()
    assert 'configmaps "awaited" already exists' in again.text
    upsert = "\n        on = pulumi.ResourceOptions(provider=k8s.Provider('u', upsert_existing_objects=True,"
    upsert += " kubeconfig=os.environ['TEST_KUBECONFIG']))"
    adopted = stack.program(upsert + program.replace("waitFor", "other")).up()
    assert adopted.code == 0, adopted.text
