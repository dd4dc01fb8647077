"""The plugin under the real engine, against a real API server: what others made or changed, and access."""

from __future__ import annotations

import json

import pytest

from sandbox.engine.kubernetes.cluster import Cluster
from sandbox.engine.kubernetes.objects import Object, kind_of, namespace_of
from sandbox.tests.engine.kubernetes.control_plane import ControlPlane
from sandbox.tests.engine.kubernetes.stack import Stack

pytestmark = pytest.mark.engine

CONFIG_MAP: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "default"}}


def exists(cluster: Cluster, obj: Object, name: str) -> bool:
    listed = cluster.list_objects(kind_of(obj), namespace_of(obj))
    return any(entry["metadata"]["name"] == name for entry in listed["items"])


def test_what_exists_already_is_not_taken_over_unless_asked(stack: Stack, cluster: Cluster) -> None:
    cluster.create({**CONFIG_MAP, "metadata": {"name": "theirs", "namespace": "default"}, "data": {"a": "1"}}, "them")
    program = """
        {provider}
        made = k8s.core.v1.ConfigMap("a", metadata={{"name": "theirs"}}, data={{"b": "2"}}, opts=on)
    """
    refused = stack.program(program.format(provider="")).up()
    assert refused.code != 0
    assert 'configmaps "theirs" already exists' in refused.text
    upsert = (
        'cluster2 = k8s.Provider("upsert", kubeconfig=os.environ["TEST_KUBECONFIG"], upsert_existing_objects=True)\n'
        "        on = pulumi.ResourceOptions(provider=cluster2)"
    )
    taken = stack.program(program.format(provider=upsert)).up()
    assert taken.code == 0, taken.text
    assert cluster.get(CONFIG_MAP, "theirs")["data"] == {"a": "1", "b": "2"}


def test_a_patch_changes_its_fields_and_gives_them_back(stack: Stack, cluster: Cluster) -> None:
    cluster.create({**CONFIG_MAP, "metadata": {"name": "shared", "namespace": "default"}, "data": {"a": "1"}}, "them")
    stack.program("""
        patch = k8s.core.v1.ConfigMapPatch("p", metadata={"name": "shared"}, data={"b": "2"}, opts=on)
    """)
    done = stack.up()
    assert done.code == 0, done.text
    assert cluster.get(CONFIG_MAP, "shared")["data"] == {"a": "1", "b": "2"}
    assert stack.up("--expect-no-changes").code == 0
    assert stack.run("destroy", "--yes", "--skip-preview").code == 0
    assert cluster.get(CONFIG_MAP, "shared")["data"] == {"a": "1"}


def test_refresh_sees_drift_and_up_repairs_it(stack: Stack, cluster: Cluster) -> None:
    stack.program("""
        k8s.core.v1.ConfigMap("a", metadata={"name": "drifting", "labels": {"l": "1"}}, opts=on)
        k8s.core.v1.ConfigMap("b", metadata={"name": "vanishing"}, opts=on)
    """)
    assert stack.up().code == 0
    live = cluster.get(CONFIG_MAP, "drifting")
    live["metadata"]["labels"]["l"] = "2"
    cluster.replace(live, "someone")
    cluster.delete({**CONFIG_MAP, "metadata": {"name": "vanishing", "namespace": "default"}}, "Background")
    refreshed = stack.run("refresh", "--yes")
    assert refreshed.code == 0, refreshed.text
    assert "1 updated" in refreshed.text
    assert "1 deleted" in refreshed.text
    repaired = stack.up("--diff")
    assert "1 created" in repaired.text, repaired.text


def test_an_existing_object_is_imported_and_then_unchanged(stack: Stack, cluster: Cluster) -> None:
    cluster.create({**CONFIG_MAP, "metadata": {"name": "found", "namespace": "default"}, "data": {"a": "1"}}, "them")
    stack.program("""
        found = k8s.core.v1.ConfigMap("found", metadata={"name": "found", "namespace": "default"}, data={"a": "1"},
            opts=pulumi.ResourceOptions(provider=cluster, import_="default/found"))
        looked_up = k8s.core.v1.ConfigMap.get("again", "default/kube-root-ca.crt", opts=on)
        pulumi.export("ca", looked_up.data["ca.crt"])
    """)
    done = stack.up()
    assert done.code == 0, done.text
    assert "1 imported" in done.text
    assert stack.outputs()["ca"].startswith("-----BEGIN")
    again = stack.up("--expect-no-changes")
    assert again.code == 0, again.text


def test_ignored_changes_leave_what_others_set(stack: Stack, cluster: Cluster) -> None:
    program = """
        skip = {{"pulumi.com/skipAwait": "true"}}
        k8s.apps.v1.Deployment("d", metadata={{"name": "scaled", "annotations": skip}}, spec={{
            "replicas": 0, "selector": {{"matchLabels": {{"a": "a"}}}}, "template": {{
                "metadata": {{"labels": {{"a": "a"}}}},
                "spec": {{"containers": [{{"name": "c", "image": "{image}"}}]}}}}}},
            opts=pulumi.ResourceOptions(provider=cluster, ignore_changes=["spec.replicas"]))
    """
    assert stack.program(program.format(image="one")).up().code == 0
    kind = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "default"}}
    live = cluster.get(kind, "scaled")
    live["spec"]["replicas"] = 2
    cluster.replace(live, "autoscaler")
    changed = stack.program(program.format(image="two")).up()
    assert changed.code == 0, changed.text
    live = cluster.get(kind, "scaled")
    assert live["spec"]["replicas"] == 2
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "two"


def test_a_cluster_that_cannot_be_reached_is_told_and_does_not_stop_a_preview(
    stack: Stack, control_plane: ControlPlane
) -> None:
    program = 'k8s.core.v1.ConfigMap("a", metadata={"name": "lost"}, opts=on)'
    assert stack.program(program).up().code == 0
    stack.with_kubeconfig(control_plane.kubeconfig_at(1))
    preview = stack.program(program + '\nk8s.core.v1.ConfigMap("b", opts=on)').preview()
    assert preview.code == 0, preview.text
    failed = stack.up()
    assert failed.code != 0
    assert "configured Kubernetes cluster is unreachable" in failed.text
    assert "Connection refused" in failed.text
    stack.with_kubeconfig(control_plane.kubeconfig_at(control_plane.port, "other.internal"))
    wrong_name = stack.up()
    assert "other.internal" in wrong_name.text, wrong_name.text
    stack.with_kubeconfig(control_plane.kubeconfig)


def test_a_kubeconfig_that_is_made_in_the_same_run_is_unknown_in_the_preview(stack: Stack) -> None:
    stack.program(
        """
        from pulumi.dynamic import Resource, ResourceProvider, CreateResult
        class Made(ResourceProvider):
            def create(self, props): return CreateResult("1", {"config": os.environ["TEST_KUBECONFIG"]})
        class Source(Resource):
            config: pulumi.Output[str]
            def __init__(self, name): super().__init__(Made(), name, {"config": None})
        later = k8s.Provider("later", kubeconfig=pulumi.Output.secret(pulumi.Output.from_input("x")).apply(
            lambda _: os.environ["TEST_KUBECONFIG"]) if not pulumi.runtime.is_dry_run() else unknown())
        made = k8s.core.v1.ConfigMap("m", data={"a": "1"}, opts=pulumi.ResourceOptions(provider=later))
        pulumi.export("name", made.metadata.name)
    """.replace(
            "later = k8s.Provider",
            """def unknown():
            known = pulumi.Output.from_input("x")._is_known
            import asyncio
            no = asyncio.Future(); no.set_result(False)
            return pulumi.Output(set(), pulumi.Output.from_input("x").future(), no)
        later = k8s.Provider""",
        )
    )
    preview = stack.preview()
    assert preview.code == 0, preview.text
    done = stack.up()
    assert done.code == 0, done.text
    assert stack.outputs()["name"].startswith("m-")


def test_somebody_without_rights_is_told_which_right_is_missing(stack: Stack, control_plane: ControlPlane) -> None:
    stack.with_kubeconfig(control_plane.user("nobody"))
    refused = stack.program('k8s.core.v1.ConfigMap("a", opts=on)').up()
    assert refused.code != 0
    assert 'User "nobody" cannot create resource "configmaps"' in refused.text, refused.text


def test_manifests_are_taken_apart_and_components_refused(stack: Stack, cluster: Cluster) -> None:
    manifest = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [{**CONFIG_MAP, "metadata": {"name": "listed"}, "data": {"d": "on"}}],
        }
    )
    done = stack.program(
        f"k8s.yaml.ConfigGroup('g', yaml=[{manifest!r}], opts=pulumi.ResourceOptions(providers=[cluster]))"
    ).up()
    assert done.code == 0, done.text
    assert cluster.get(CONFIG_MAP, "listed")["data"] == {"d": "on"}
    refused = stack.program('k8s.helm.v3.Release("r", chart="c", opts=on)').up()
    assert refused.code != 0
    assert "kubernetes:helm.sh/v3:Release" in refused.text
    assert "Helm" in refused.text
    component = stack.program(
        'k8s.yaml.v2.ConfigGroup("g", yaml="", opts=pulumi.ResourceOptions(provider=cluster))'
    ).up()
    assert component.code != 0
    assert "kubernetes:yaml/v2:ConfigGroup" in component.text, component.text
