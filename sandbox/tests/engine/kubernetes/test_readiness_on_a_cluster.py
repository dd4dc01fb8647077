"""The plugin under the real engine: what it waits for, for how long, and what it says when that doesn't come."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from sandbox.engine.kubernetes.cluster import Cluster
from sandbox.engine.kubernetes.objects import Object, set_in
from sandbox.tests.engine.kubernetes.pretend_kubelet import (
    PretendKubelet,
    crashed,
    running,
    succeeded,
    without_image,
)
from sandbox.tests.engine.kubernetes.stack import Stack

pytestmark = pytest.mark.engine

TEMPLATE = """
labels = {"app": "web"}
def template(image="one"):
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
def options(seconds):
    return pulumi.ResourceOptions(provider=cluster,
        custom_timeouts=pulumi.CustomTimeouts(create=seconds, update=seconds, delete=seconds))
"""
DEPLOYMENT = """
web = k8s.apps.v1.Deployment("web", metadata={"name": "web"}, spec={
    "replicas": 2, "selector": {"matchLabels": labels}, "template": template(IMAGE)}, opts=options("SECONDS"))
pulumi.export("ready", web.status.apply(lambda status: status["ready_replicas"] if status else None))
"""
DEPLOYMENT_KIND: Object = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "default"}}


def deployment(seconds: str, image: str = "one") -> str:
    return TEMPLATE + DEPLOYMENT.replace("SECONDS", seconds).replace("IMAGE", repr(image))


def test_a_deployment_and_its_service_are_ready_when_up_returns(stack: Stack, cluster: Cluster) -> None:
    stack.program(
        deployment("60s")
        + """
service = k8s.core.v1.Service("web", metadata={"name": "web"}, opts=on,
    spec={"selector": labels, "ports": [{"port": 80}]})
"""
    )
    with PretendKubelet(cluster):
        done = stack.up()
        assert done.code == 0, done.text
        assert stack.outputs()["ready"] == 2
        assert cluster.get(DEPLOYMENT_KIND, "web")["status"]["readyReplicas"] == 2
        rolled = stack.program(deployment("60s", "two")).up()
        assert rolled.code == 0, rolled.text
        assert cluster.get(DEPLOYMENT_KIND, "web")["status"]["updatedReplicas"] == 2


def test_a_deployment_that_does_not_get_ready_is_kept_and_explained_and_can_be_repaired(
    stack: Stack, cluster: Cluster
) -> None:
    with PretendKubelet(cluster, without_image) as kubelet:
        started = time.monotonic()
        failed = stack.program(deployment("6s")).up()
        assert failed.code != 0
        assert time.monotonic() - started < 30
        assert "'web' timed out waiting to be Ready" in failed.text, failed.text
        assert "[ImagePullBackOff] no such image: nowhere/none" in failed.text
        kept = stack.resources()["web"]
        assert kept["id"] == "default/web"
        assert kept["initErrors"]
        kubelet.behave = running
        repaired = stack.up()
        assert repaired.code == 0, repaired.text
        assert "initErrors" not in stack.resources()["web"]


def test_interrupting_up_ends_the_wait_and_keeps_the_object(stack: Stack, cluster: Cluster) -> None:
    stack.program(deployment("300s"))
    running_up = stack.start("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 60
    while not _exists(cluster) and time.monotonic() < deadline:
        time.sleep(0.2)
    running_up.send_signal(signal.SIGINT)
    text, _ = running_up.communicate(timeout=30)
    assert 'Resource operation was cancelled for "web"' in text, text
    assert stack.resources()["web"]["id"] == "default/web"


def _exists(cluster: Cluster) -> bool:
    return any(
        entry["metadata"]["name"] == "web"
        for entry in cluster.rest.request("GET", "/apis/apps/v1/namespaces/default/deployments")["items"]
    )


def test_a_job_is_done_when_up_returns_and_a_failed_one_fails_at_once(stack: Stack, cluster: Cluster) -> None:
    program = (
        TEMPLATE
        + """
spec = {**template(), "spec": {**template()["spec"], "restartPolicy": "Never"}}
job = k8s.batch.v1.Job("NAME", metadata={"name": "NAME"}, opts=options("60s"),
    spec={"backoffLimit": 0, "template": spec})
"""
    )
    with PretendKubelet(cluster, succeeded) as kubelet:
        done = stack.program(program.replace("NAME", "good")).up()
        assert done.code == 0, done.text
        kubelet.behave = crashed
        started = time.monotonic()
        failed = stack.program(program.replace("NAME", "bad")).up()
        assert failed.code != 0
        assert time.monotonic() - started < 40
        assert "[BackoffLimitExceeded]" in failed.text, failed.text


def test_stateful_sets_and_daemon_sets_wait_for_every_pod(stack: Stack, cluster: Cluster) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
    cluster.create(node, "test")
    stack.program(
        TEMPLATE
        + """
k8s.apps.v1.StatefulSet("s", metadata={"name": "s"}, spec={"serviceName": "s", "replicas": 2,
    "selector": {"matchLabels": labels}, "template": template()}, opts=options("60s"))
k8s.apps.v1.DaemonSet("d", metadata={"name": "d"}, spec={
    "selector": {"matchLabels": labels}, "template": template()}, opts=options("60s"))
"""
    )
    try:
        with PretendKubelet(cluster):
            done = stack.up()
            assert done.code == 0, done.text
        assert cluster.get({**DEPLOYMENT_KIND, "kind": "StatefulSet"}, "s")["status"]["readyReplicas"] == 2
        assert cluster.get({**DEPLOYMENT_KIND, "kind": "DaemonSet"}, "d")["status"]["numberReady"] == 1
    finally:
        cluster.delete(node, "Background")


def test_a_finalizer_that_stays_is_named_when_the_deletion_takes_too_long(stack: Stack, cluster: Cluster) -> None:
    kind: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "default"}}
    stack.program(
        TEMPLATE
        + """
k8s.core.v1.ConfigMap("held", metadata={"name": "held", "finalizers": ["example.com/held"]}, opts=options("3s"))
"""
    )
    assert stack.up().code == 0
    failed = stack.run("destroy", "--yes", "--skip-preview")
    assert failed.code != 0
    assert "timed out waiting for ConfigMap 'held' to be deleted" in failed.text, failed.text
    assert "example.com/held" in failed.text
    live = cluster.get(kind, "held")
    live["metadata"]["finalizers"] = []
    cluster.replace(live, "someone")
    assert stack.run("destroy", "--yes", "--skip-preview").code == 0


def test_annotations_say_what_to_wait_for_and_what_not(stack: Stack, cluster: Cluster) -> None:
    program = (
        TEMPLATE
        + """
def annotated(name, **annotations):
    return {"name": name, "annotations": {f"pulumi.com/{key}": value for key, value in annotations.items()}}
k8s.apps.v1.Deployment("never", metadata=annotated("never", skipAwait="true"), spec={
    "selector": {"matchLabels": labels}, "template": template("none")}, opts=on)
k8s.core.v1.ConfigMap("asked", metadata=annotated("asked", waitFor="jsonpath={.metadata.labels.done}=yes",
    timeoutSeconds="SECONDS"), opts=on)
"""
    )
    failed = stack.program(program.replace("SECONDS", "3")).up()
    assert failed.code != 0
    assert "Waiting for .metadata.labels.done to be set" in failed.text, failed.text
    timer = threading.Timer(4, lambda: _label(cluster, "asked", "done", "yes"))
    timer.start()
    done = stack.program(program.replace("SECONDS", "60")).up()
    timer.join()
    assert done.code == 0, done.text


def _label(cluster: Cluster, name: str, key: str, value: str) -> None:
    live = cluster.get({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "default"}}, name)
    set_in(live, value, "metadata", "labels", key)
    cluster.replace(live, "someone")


def test_a_claim_waits_for_its_volume(stack: Stack, cluster: Cluster) -> None:
    stack.program(
        TEMPLATE
        + """
k8s.core.v1.PersistentVolume("v", metadata={"name": "v"}, spec={"capacity": {"storage": "1024Mi"},
    "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}, "storageClassName": "by-hand"}, opts=on)
claim = k8s.core.v1.PersistentVolumeClaim("c", metadata={"name": "c"}, spec={"accessModes": ["ReadWriteOnce"],
    "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "by-hand"}, opts=on)
pulumi.export("phase", claim.status.phase)
"""
    )
    done = stack.up()
    assert done.code == 0, done.text
    assert stack.outputs()["phase"] in ("Bound",)
    assert stack.up("--expect-no-changes").code == 0
