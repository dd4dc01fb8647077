"""The official Kubernetes provider under the real engine, against a real API server: what any provider must do."""

from __future__ import annotations

import base64
import json
import time

import pytest

from sandbox.tests.engine.kubernetes.conftest import Objects
from sandbox.tests.engine.kubernetes.control_plane import ControlPlane
from sandbox.tests.engine.processes import interrupted

pytestmark = pytest.mark.engine


def test_an_object_without_a_name_gets_one_that_it_keeps(objects: Objects, control_plane: ControlPlane) -> None:
    objects.up("""
        made = k8s.core.v1.ConfigMap("settings", data={"a": "1"}, opts=on)
        pulumi.export("name", made.metadata.name)
    """)
    name = objects.output("name")
    assert name.startswith("settings-")
    assert control_plane.get("configmap", name)["data"] == {"a": "1"}
    objects.run("up", "--yes", "--expect-no-changes")


def test_changed_data_makes_a_new_config_map_before_the_old_one_goes(
    objects: Objects, control_plane: ControlPlane
) -> None:
    program = """
        made = k8s.core.v1.ConfigMap("settings", data={{"a": "{value}"}}, opts=on)
        pulumi.export("name", made.metadata.name)
    """
    objects.up(program.format(value=1))
    before = objects.output("name")
    assert objects.preview(program.format(value=2))["settings"] == "replace"
    assert control_plane.get("configmap", before)["data"] == {"a": "1"}
    objects.up()
    after = objects.output("name")
    assert after != before
    assert control_plane.get("configmap", before) == {}
    assert control_plane.get("configmap", after)["data"] == {"a": "2"}


def test_a_field_that_is_left_out_later_goes_from_the_cluster(objects: Objects, control_plane: ControlPlane) -> None:
    program = 'k8s.core.v1.ConfigMap("a", metadata={{"name": "labelled", "labels": {labels}}}, opts=on)'
    objects.up(program.format(labels='{"one": "1", "two": "2"}'))
    before = control_plane.get("configmap", "labelled")["metadata"]
    objects.up(program.format(labels='{"one": "3"}'))
    after = control_plane.get("configmap", "labelled")["metadata"]
    assert after["labels"] == {"one": "3"}
    assert after["uid"] == before["uid"]


def test_a_preview_asks_the_api_server_and_changes_nothing(objects: Objects, control_plane: ControlPlane) -> None:
    objects.write("""
        k8s.core.v1.Service("web", metadata={"name": "dry"}, spec={"ports": [{"port": 80}]}, opts=on)
        k8s.core.v1.ConfigMap("bad", metadata={"name": "Not A Name"}, opts=on)
    """)
    assert "Invalid value" in objects.run("preview", ok=False)
    assert control_plane.get("service", "dry") == {}


def test_what_a_secret_holds_is_encrypted_in_the_state(objects: Objects, control_plane: ControlPlane) -> None:
    printed = objects.up("""
        k8s.core.v1.Secret("plain", metadata={"name": "plain"}, string_data={"k": "find-me-1"}, opts=on)
        k8s.core.v1.ConfigMap("marked", metadata={"name": "marked"}, opts=on,
            data={"k": pulumi.Output.secret("find-me-2"), "open": "see-me"})
    """)
    encoded = base64.b64encode(b"find-me-1").decode()
    assert control_plane.get("secret", "plain")["data"]["k"] == encoded
    kept = objects.run("stack", "export") + printed
    assert [hidden for hidden in ("find-me-1", encoded, "find-me-2") if hidden in kept] == []
    assert "see-me" in kept


def test_a_kubeconfig_that_is_made_in_the_same_run_is_unknown_in_the_preview(objects: Objects) -> None:
    objects.write("""
        import pulumi_tls as tls
        key = tls.PrivateKey("key", algorithm="ED25519")
        later = k8s.Provider("later", kubeconfig=key.id.apply(lambda _: os.environ["TEST_KUBECONFIG"]))
        made = k8s.core.v1.ConfigMap("m", data={"a": "1"}, opts=pulumi.ResourceOptions(provider=later))
        pulumi.export("name", made.metadata.name)
    """)
    assert objects.preview()["m"] == "create"
    objects.up()
    assert objects.output("name").startswith("m-")


def test_refresh_sees_what_was_changed_behind_the_provider_and_up_repairs_it(
    objects: Objects, control_plane: ControlPlane
) -> None:
    objects.up("""
        k8s.core.v1.ConfigMap("a", metadata={"name": "drifting", "labels": {"l": "1"}}, opts=on)
        k8s.core.v1.ConfigMap("b", metadata={"name": "vanishing"}, opts=on)
    """)
    control_plane.kubectl("label", "configmap", "drifting", "l-")
    control_plane.kubectl("delete", "configmap", "vanishing")
    refreshed = objects.run("refresh", "--yes")
    assert "1 updated" in refreshed
    assert "1 deleted" in refreshed
    assert objects.preview() | {"a": "update", "b": "create"} == objects.preview()
    objects.up()
    assert control_plane.get("configmap", "drifting")["metadata"]["labels"] == {"l": "1"}
    assert control_plane.get("configmap", "vanishing") != {}


def test_an_object_that_exists_is_imported_and_then_unchanged(objects: Objects, control_plane: ControlPlane) -> None:
    control_plane.kubectl("create", "configmap", "found", "--from-literal=a=1")
    printed = objects.up("""
        k8s.core.v1.ConfigMap("found", metadata={"name": "found", "namespace": "default"}, data={"a": "1"},
            opts=pulumi.ResourceOptions(provider=cluster, import_="default/found"))
    """)
    assert "1 imported" in printed
    objects.run("up", "--yes", "--expect-no-changes")


def test_an_interrupted_up_ends_its_wait_and_keeps_the_object(objects: Objects, control_plane: ControlPlane) -> None:
    objects.write("""
        k8s.core.v1.ConfigMap("a", opts=on, metadata={"name": "awaited", "annotations": {
            "pulumi.com/waitFor": "jsonpath={.metadata.labels.done}"}})
    """)
    running = objects.start("up", "--yes", "--skip-preview")
    wait_for("awaited", control_plane)
    printed = interrupted(running)
    assert running.returncode != 0, printed
    assert objects.resources()["a"]["id"] == "default/awaited", printed


def test_many_objects_are_made_at_once(objects: Objects, control_plane: ControlPlane) -> None:
    objects.up("""
        for index in range(150):
            k8s.core.v1.ConfigMap(f"m{index}", metadata={"name": f"many-{index}", "labels": {"many": "1"}}, opts=on)
    """)
    made = control_plane.kubectl("get", "configmap", "--selector=many=1", "--output=name")
    assert len(made.splitlines()) == 150


def test_a_deployment_is_waited_for(objects: Objects, control_plane: ControlPlane) -> None:
    program = """
        labels = {{"app": "web"}}
        pod = {{"metadata": {{"labels": labels}}, "spec": {{"containers": [{{"name": "c", "image": "nowhere/none"}}]}}}}
        k8s.apps.v1.Deployment("web", metadata={{"name": "web"}},
            spec={{"replicas": {replicas}, "selector": {{"match_labels": labels}}, "template": pod}},
            opts=pulumi.ResourceOptions(provider=cluster, custom_timeouts=pulumi.CustomTimeouts(create="5s")))
    """
    failed = objects.up(program.format(replicas=1), ok=False)
    assert "web" in failed
    assert "timed out waiting to be Ready" in failed
    assert objects.resources()["web"]["id"] == "default/web"
    objects.up(program.format(replicas=0))
    assert control_plane.get("deployment", "web")["spec"]["replicas"] == 0


def test_a_cluster_that_is_gone_does_not_stop_refresh_and_destroy_where_that_is_asked_for(objects: Objects) -> None:
    program = """
        asked = pulumi.ResourceOptions(provider=k8s.Provider("asked", kubeconfig=os.environ["TEST_KUBECONFIG"],
            skip_update_unreachable=True, delete_unreachable=True, cluster_identifier="asked"))
        k8s.core.v1.ConfigMap("a", metadata={"name": "orphan"}, opts=asked)
    """
    objects.up(program)
    document = json.loads(objects.environment["TEST_KUBECONFIG"])
    document["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    gone = objects.with_variables(TEST_KUBECONFIG=json.dumps(document))
    gone.run("up", "--yes", "--skip-preview", "--target=**::asked")
    assert "unreachable" in gone.run("refresh", "--yes")
    gone.run("destroy", "--yes", "--skip-preview")


def wait_for(name: str, control_plane: ControlPlane, seconds: float = 60) -> None:
    """Returns once there is a ConfigMap of that name."""
    deadline = time.monotonic() + seconds
    while not control_plane.get("configmap", name):
        assert time.monotonic() < deadline, f"no ConfigMap {name} within {seconds} s"
        time.sleep(0.1)
