"""Flannel's manifest."""

from __future__ import annotations

import json
from typing import Any

import yaml

from components.network_plugins.flannel import flannel_images, flannel_manifest
from components.network_plugins.network_plugin import network_plugin
from components.plan import Plan
from tests.components.education import SETTINGS
from tests.components.golden_files import assert_is_reviewed

API = ("api.education.quorate.internal", 6443)


def objects(pod_cidr: str = "10.244.0.0/16") -> dict[str, dict[str, Any]]:
    return {o["kind"]: o for o in yaml.safe_load_all(flannel_manifest("0.28.4", pod_cidr, *API))}


def test_the_manifest_of_education_is_the_reviewed_one() -> None:
    assert_is_reviewed("education-flannel.yaml", network_plugin(Plan(SETTINGS)).manifest)


def test_the_pod_network_is_the_clusters() -> None:
    network = json.loads(objects("172.16.0.0/12")["ConfigMap"]["data"]["net-conf.json"])
    assert network["Network"] == "172.16.0.0/12"
    assert network["Backend"] == {"Type": "vxlan"}


def test_flannel_reaches_the_api_without_kube_proxy() -> None:
    (container,) = objects()["DaemonSet"]["spec"]["template"]["spec"]["containers"]
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert environment["KUBERNETES_SERVICE_HOST"] == API[0]
    assert environment["KUBERNETES_SERVICE_PORT"] == "6443"


def test_images_are_pinned_by_version_and_pulled_beforehand() -> None:
    pod = objects()["DaemonSet"]["spec"]["template"]["spec"]
    used = {container["image"] for container in [*pod["initContainers"], *pod["containers"]]}
    assert used == set(flannel_images("0.28.4")) == set(network_plugin(Plan(SETTINGS)).images)


def test_what_is_waited_for_is_in_the_manifest() -> None:
    plugin = network_plugin(Plan(SETTINGS))
    namespace, kind, name = plugin.workload.split("/")
    metadata = next(o for o in yaml.safe_load_all(plugin.manifest) if o["kind"].lower() == kind)["metadata"]
    assert (metadata["namespace"], metadata["name"]) == (namespace, name)
