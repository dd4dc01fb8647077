"""Calico's manifest."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
import yaml

from components.kubeadm.documents import KUBE_PROXY_MODE, ControlPlaneNode, kubeadm_documents
from components.kubeadm.labels import Place
from components.network_plugins.calico.definitions import plural
from components.network_plugins.calico.manifest import calico_images, calico_manifest
from components.network_plugins.network_plugin import network_plugin
from components.plan import Plan
from components.settings.model import NetworkPluginName, NetworkPluginSettings, Settings
from tests.components.education import SETTINGS
from tests.components.golden_files import assert_is_reviewed

API = ("api.prod.quorate.internal", 6443)
VERSION = "3.31.0"
NODE = ControlPlaneNode(Plan(SETTINGS).control_planes[0], Place("eu-central-1", "eu-central-1a"), "198.51.100.1")


def with_calico(version: str = VERSION) -> Settings:
    plugin = NetworkPluginSettings(name=NetworkPluginName.CALICO, version=version)
    return dataclasses.replace(SETTINGS, network_plugin=plugin)


def objects(pod_cidr: str = "10.244.0.0/16") -> dict[tuple[str, str], dict[str, Any]]:
    documents = list(yaml.safe_load_all(calico_manifest(VERSION, pod_cidr, *API)))
    found = {(o["kind"], o["metadata"]["name"]): o for o in documents}
    assert len(found) == len(documents)
    return found


def agent(pod_cidr: str = "10.244.0.0/16") -> dict[str, Any]:
    (container,) = objects(pod_cidr)["DaemonSet", "calico-node"]["spec"]["template"]["spec"]["containers"]
    return dict(container)


def environment(container: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value") for entry in container["env"]}


def test_the_manifest_is_the_reviewed_one() -> None:
    assert_is_reviewed("calico.yaml", network_plugin(Plan(with_calico())).manifest)


def test_every_definition_is_open() -> None:
    definitions = [o["spec"] for (kind, _), o in objects().items() if kind == "CustomResourceDefinition"]
    assert definitions
    for spec in definitions:
        (version,) = spec["versions"]
        assert version["schema"]["openAPIV3Schema"]["x-kubernetes-preserve-unknown-fields"] is True


def test_network_policies_and_sets_belong_to_namespaces_and_the_rest_to_the_cluster() -> None:
    definitions = [o["spec"] for (kind, _), o in objects().items() if kind == "CustomResourceDefinition"]
    namespaced = {spec["names"]["kind"] for spec in definitions if spec["scope"] == "Namespaced"}
    assert namespaced == {"NetworkPolicy", "NetworkSet", "StagedNetworkPolicy", "StagedKubernetesNetworkPolicy"}


@pytest.mark.parametrize(
    ("kind", "name"),
    [("IPPool", "ippools"), ("BlockAffinity", "blockaffinities"), ("CalicoNodeStatus", "caliconodestatuses")],
)
def test_names_in_the_plural(kind: str, name: str) -> None:
    assert plural(kind) == name


def test_all_pod_traffic_between_machines_is_in_vxlan() -> None:
    values = environment(agent("172.16.0.0/12"))
    assert values["CALICO_IPV4POOL_CIDR"] == "172.16.0.0/12"
    assert (values["CALICO_IPV4POOL_VXLAN"], values["CALICO_IPV4POOL_IPIP"]) == ("Always", "Never")
    assert values["CALICO_NETWORKING_BACKEND"] == "vxlan"


def test_rules_are_written_where_kube_proxy_writes_its_own() -> None:
    written = kubeadm_documents(Plan(SETTINGS), NODE)
    (proxy,) = [d for d in yaml.safe_load_all(written) if d["kind"] == "KubeProxyConfiguration"]
    assert proxy["mode"] == KUBE_PROXY_MODE
    assert (
        environment(agent())["FELIX_NFTABLESMODE"] == {"nftables": "Enabled", "iptables": "Disabled"}[KUBE_PROXY_MODE]
    )


def test_the_mtu_is_the_machines_own_less_the_header() -> None:
    cni = json.loads(objects()["ConfigMap", "calico-config"]["data"]["cni_network_config"])
    assert cni["plugins"][0]["mtu"] == 0
    assert environment(agent())["FELIX_VXLANMTU"] == "0"


def test_nodes_reach_the_api_without_kube_proxy() -> None:
    data = objects()["ConfigMap", "kubernetes-services-endpoint"]["data"]
    assert data == {"KUBERNETES_SERVICE_HOST": API[0], "KUBERNETES_SERVICE_PORT": "6443"}
    pod = objects()["DaemonSet", "calico-node"]["spec"]["template"]["spec"]
    for container in [*pod["initContainers"], *pod["containers"]]:
        assert container["envFrom"] == [{"configMapRef": {"name": "kubernetes-services-endpoint"}}]


def test_every_mount_has_its_volume() -> None:
    pod = objects()["DaemonSet", "calico-node"]["spec"]["template"]["spec"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    mounts = {mount["name"] for c in [*pod["initContainers"], *pod["containers"]] for mount in c["volumeMounts"]}
    assert mounts == volumes


def test_each_account_is_bound_to_its_role() -> None:
    found = objects()
    for name in ("calico-node", "calico-cni-plugin", "calico-kube-controllers"):
        assert found["ServiceAccount", name]["metadata"]["namespace"] == "kube-system"
        assert found["ClusterRoleBinding", name]["roleRef"]["name"] == name
        assert found["ClusterRole", name]["rules"]


def test_no_role_reads_secrets_or_writes_pods() -> None:
    for (kind, _), document in objects().items():
        for rule in document.get("rules", []) if kind == "ClusterRole" else []:
            assert "secrets" not in rule["resources"]
            assert not ({"pods", "nodes", "*"} & set(rule["resources"]) and {"create", "delete"} & set(rule["verbs"]))


def test_images_are_pinned_by_version_and_pulled_beforehand() -> None:
    found = objects()
    pods = [found["DaemonSet", "calico-node"], found["Deployment", "calico-kube-controllers"]]
    specs = [pod["spec"]["template"]["spec"] for pod in pods]
    used = {c["image"] for spec in specs for c in [*spec.get("initContainers", []), *spec["containers"]]}
    assert used == set(calico_images(VERSION)) == set(network_plugin(Plan(with_calico())).images)


def test_what_is_waited_for_is_in_the_manifest() -> None:
    namespace, kind, name = network_plugin(Plan(with_calico())).workload.split("/")
    (metadata,) = [o["metadata"] for (k, n), o in objects().items() if (k.lower(), n) == (kind, name)]
    assert metadata["namespace"] == namespace
