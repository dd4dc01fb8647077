"""kubeadm's documents: the reviewed text, what each setting does to them, and kubeadm's own opinion."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.delivery.node_files import role_files
from components.kubeadm.documents import (
    ETCD_DATA,
    ControlPlaneNode,
    api_server_grace,
    api_server_patch,
    control_plane_join,
    kubeadm_documents,
    kubernetes_minor,
    worker_join,
    worker_kubelet_patch,
)
from components.kubeadm.labels import DEDICATED_LABEL, Place
from components.node.control_plane.documents import changed, read_documents
from components.plan import Plan, Role
from components.settings.model import Settings, Taint, TaintEffect, WorkerPoolSettings
from components.timings import API_SHUTDOWN_DELAY
from tests.components.education import SETTINGS
from tests.components.golden_files import assert_is_reviewed
from tests.components.stacks import settings_of
from tests.sandbox_cli import binary

PLACE = Place("eu-central-1", "eu-central-1a")
PLAN = Plan(SETTINGS)
NODE = ControlPlaneNode(PLAN.founder, PLACE, "198.51.100.7")

PROD = Plan(settings_of("prod"))
POOL = WorkerPoolSettings(
    name="general", labels={"tier": "web"}, taints=(Taint("dedicated", TaintEffect.NO_SCHEDULE, "web"),)
)


def of_several(index: int) -> ControlPlaneNode:
    """A machine behind a load balancer, with etcd elsewhere."""
    return ControlPlaneNode(PROD.control_planes[index], PLACE)


def documents(settings: Settings = SETTINGS) -> dict[str, dict[str, Any]]:
    return by_kind(Plan(settings), NODE)


def by_kind(plan: Plan, node: ControlPlaneNode) -> dict[str, dict[str, Any]]:
    return {document["kind"]: document for document in yaml.safe_load_all(kubeadm_documents(plan, node))}


def node_labels(registration: dict[str, Any]) -> dict[str, str]:
    """What the kubelet must label its node with."""
    return dict(a["value"].split("=") for a in registration["kubeletExtraArgs"] if a["name"] == "node-labels")


def with_kubernetes(version: str) -> Settings:
    return dataclasses.replace(SETTINGS, cluster=dataclasses.replace(SETTINGS.cluster, kubernetes_version=version))


def test_the_documents_of_education_are_the_reviewed_ones() -> None:
    assert_is_reviewed("education-kubeadm.yaml", kubeadm_documents(PLAN, NODE))


def test_the_certificate_of_the_api_names_everything_it_is_reached_by() -> None:
    names = documents()["ClusterConfiguration"]["apiServer"]["certSANs"]
    assert {PLAN.endpoint_name, NODE.machine.address, NODE.public_address, "127.0.0.1"} <= set(names)


def test_a_schedulable_control_plane_has_no_taint_and_another_has_kubeadms() -> None:
    assert documents()["InitConfiguration"]["nodeRegistration"]["taints"] == []
    tainted = dataclasses.replace(
        SETTINGS, control_plane=dataclasses.replace(SETTINGS.control_plane, schedulable=False)
    )
    assert "taints" not in documents(tainted)["InitConfiguration"]["nodeRegistration"]


def test_the_token_that_kubeadm_makes_lives_a_minute_and_is_not_shown() -> None:
    init = documents()["InitConfiguration"]
    assert [set(token) & {"token"} for token in init["bootstrapTokens"]] == [set()]
    assert {token["ttl"] for token in init["bootstrapTokens"]} == {"1m0s"}
    assert "show-join-command" in init["skipPhases"]


def test_kubernetes_sets_no_ranges_aside_for_nodes_where_the_plugin_has_its_own() -> None:
    def arguments(stack: str) -> list[dict[str, str]]:
        given = by_kind(Plan(settings_of(stack)), NODE)["ClusterConfiguration"]["controllerManager"]["extraArgs"]
        return list(given)

    off = {"name": "allocate-node-cidrs", "value": "false"}
    assert off in arguments("prod"), "Calico hands out blocks of its own"
    assert [name for name in arguments("dev") if name["name"] == off["name"]] == [], "Flannel reads spec.podCIDR"


def test_etcds_data_is_a_directory_of_its_own_below_the_mount_point() -> None:
    assert ETCD_DATA.startswith("/var/lib/etcd/")
    assert documents()["ClusterConfiguration"]["etcd"]["local"]["dataDir"] == ETCD_DATA


@pytest.mark.parametrize(("version", "tag"), [("1.36.4", "3.6.11-0"), ("1.35.9", "3.6.11-0"), ("1.37.1", None)])
def test_etcd_is_new_enough_for_the_next_minor(version: str, tag: str | None) -> None:
    assert documents(with_kubernetes(version))["ClusterConfiguration"]["etcd"]["local"].get("imageTag") == tag


def test_an_argument_of_the_stack_wins_over_the_programs_own() -> None:
    arguments = {"profiling": "true", "goaway-chance": "0.001"}
    plane = dataclasses.replace(SETTINGS.control_plane, api_server_arguments=arguments)
    given = documents(dataclasses.replace(SETTINGS, control_plane=plane))["ClusterConfiguration"]["apiServer"][
        "extraArgs"
    ]
    assert {"name": "profiling", "value": "true"} in given
    assert {"name": "goaway-chance", "value": "0.001"} in given
    assert len({argument["name"] for argument in given}) == len(given)


@pytest.mark.parametrize("high", [50, 80, 85, 100])
def test_the_low_threshold_of_image_collection_stays_below_the_high_one(high: int) -> None:
    kubelet = dataclasses.replace(SETTINGS.kubelet, image_gc_high_threshold_percent=high)
    document = documents(dataclasses.replace(SETTINGS, kubelet=kubelet))["KubeletConfiguration"]
    assert 0 < document["imageGCLowThresholdPercent"] < document["imageGCHighThresholdPercent"] == high


def test_each_machine_gives_its_pods_the_resolver_behind_its_own_stub() -> None:
    """kubeadm finds it on each machine, but leaves alone what a document names
    (kubernetes/kubernetes, cmd/kubeadm/app/componentconfigs/kubelet_unix.go)."""
    assert "resolvConf" not in documents()["KubeletConfiguration"]
    assert "resolvConf" not in yaml.safe_load(worker_kubelet_patch(SETTINGS))


def test_kube_proxy_leaves_the_connection_limit_to_the_node() -> None:
    document = documents()["KubeProxyConfiguration"]
    assert document["mode"] == "nftables"
    assert document["conntrack"] == {"maxPerCore": 0, "min": 0}


def test_the_minor_of_a_version() -> None:
    assert kubernetes_minor("1.36.4") == "1.36"


def cluster_configuration(node: ControlPlaneNode, plan: Plan = PROD) -> dict[str, Any]:
    return by_kind(plan, node)["ClusterConfiguration"]


def test_machines_of_one_cluster_agree_on_what_kubeadm_keeps_for_all() -> None:
    first = cluster_configuration(of_several(0))
    assert cluster_configuration(of_several(1)) == first
    assert first["apiServer"]["certSANs"] == [PROD.endpoint_name, "127.0.0.1"]


def test_with_etcd_elsewhere_kubeadm_gets_its_addresses_and_a_client_certificate() -> None:
    (etcd,) = cluster_configuration(of_several(0))["etcd"].values()
    assert etcd["endpoints"] == [f"https://{address}:2379" for address in PROD.etcd_addresses.values()]
    assert set(etcd) == {"endpoints", "caFile", "certFile", "keyFile"}


def test_api_servers_leave_clients_to_each_other_only_behind_a_load_balancer() -> None:
    def names(node: ControlPlaneNode, plan: Plan = PROD) -> set[str]:
        return {argument["name"] for argument in cluster_configuration(node, plan)["apiServer"]["extraArgs"]}

    for_balancers = {"goaway-chance", "shutdown-delay-duration", "shutdown-watch-termination-grace-period"}
    assert for_balancers <= names(of_several(0))
    assert not for_balancers & set(names(NODE, PLAN))


def test_the_kubelet_gives_an_api_server_the_time_to_stop_in_order() -> None:
    patch = yaml.safe_load(api_server_patch(PROD.settings))["spec"]
    grace = patch["terminationGracePeriodSeconds"]
    assert grace == api_server_grace(PROD.settings)
    assert grace >= API_SHUTDOWN_DELAY + 60, "the delay, then the longest request"
    longer = dataclasses.replace(
        PROD.settings,
        control_plane=dataclasses.replace(
            PROD.settings.control_plane, api_server_arguments={"shutdown-delay-duration": "5m"}
        ),
    )
    assert api_server_grace(longer) == grace + 300 - API_SHUTDOWN_DELAY, "a living cluster may have its own delay"


def test_a_machine_that_shuts_down_ends_ordinary_pods_then_the_api_server_then_etcd() -> None:
    kubelet = by_kind(PROD, of_several(0))["KubeletConfiguration"]
    periods = {
        each["priority"]: each["shutdownGracePeriodSeconds"] for each in kubelet["shutdownGracePeriodByPodPriority"]
    }
    server = yaml.safe_load(api_server_patch(PROD.settings))["spec"]["priority"]
    node_critical = 2000001000
    assert sorted(periods) == [0, server, node_critical]
    assert periods[server] > API_SHUTDOWN_DELAY
    assert sum(periods.values()) < 240, "then EC2 turns the machine off the hard way"
    assert "shutdownGracePeriod" not in kubelet, "the kubelet takes one or the other"
    assert "shutdownGracePeriod" in documents()["KubeletConfiguration"]


def test_every_file_that_the_api_server_reads_is_mounted() -> None:
    server = documents()["ClusterConfiguration"]["apiServer"]
    mounts = [volume["mountPath"] for volume in server["extraVolumes"]]
    values = {argument["name"]: argument["value"] for argument in server["extraArgs"]}
    for name in ("audit-policy-file", "audit-log-path", "encryption-provider-config"):
        assert any(values[name].startswith(f"{mount}/") for mount in mounts), name


def test_machines_join_by_a_file_with_the_authority_and_no_document_has_a_credential() -> None:
    for text in (
        control_plane_join(SETTINGS, of_several(1)),
        worker_join(POOL, "eu-central-1"),
    ):
        (document,) = yaml.safe_load_all(text)
        assert document["discovery"] == {"file": {"kubeConfigPath": "/run/quorate/discovery.conf"}}
        assert "token" not in text.lower()


def test_a_worker_registers_with_the_labels_and_taints_of_its_pool() -> None:
    (document,) = yaml.safe_load_all(worker_join(POOL, "eu-central-1"))
    registration = document["nodeRegistration"]
    assert node_labels(registration) == {
        "quorate/pool": "general",
        "quorate/dedicated": "true",
        "tier": "web",
        "node.kubernetes.io/instance-type": POOL.instance_type,
        "topology.kubernetes.io/region": "eu-central-1",
        "topology.kubernetes.io/zone": "ZONE_OF_THE_MACHINE",
    }
    assert registration["taints"] == [{"key": "dedicated", "value": "web", "effect": "NoSchedule"}]
    assert "name" not in registration, "each machine of the pool has its own"


@pytest.mark.parametrize("taints", [(), (Taint("slow", TaintEffect.PREFER_NO_SCHEDULE),)])
def test_a_pool_that_keeps_no_pod_away_is_not_dedicated(taints: tuple[Taint, ...]) -> None:
    (document,) = yaml.safe_load_all(worker_join(dataclasses.replace(POOL, taints=taints), "eu-central-1"))
    assert "quorate/dedicated" not in node_labels(document["nodeRegistration"])


def test_cluster_dns_waits_for_no_zone_that_has_dedicated_nodes_only() -> None:
    (text,) = (f.content for f in role_files(Role.CONTROL_PLANE) if f.path.endswith("/corednsdeployment.yaml"))
    patch = yaml.safe_load(text)
    (term,) = patch["spec"]["template"]["spec"]["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": DEDICATED_LABEL, "operator": "DoesNotExist"}]


def test_a_control_plane_registers_with_its_place_and_type_whether_it_founds_the_cluster_or_joins() -> None:
    (join,) = yaml.safe_load_all(control_plane_join(SETTINGS, NODE))
    for document in (documents()["InitConfiguration"], join):
        assert node_labels(document["nodeRegistration"]) == {
            "node.kubernetes.io/instance-type": SETTINGS.control_plane.instance_type,
            "topology.kubernetes.io/region": "eu-central-1",
            "topology.kubernetes.io/zone": "eu-central-1a",
        }


@pytest.mark.parametrize("value", ["x---", "---", "--- x", "x\u2028---", "..."])
def test_a_value_that_looks_like_the_end_of_a_document_hides_nothing(value: str) -> None:
    def text(arguments: dict[str, str]) -> str:
        plane = dataclasses.replace(SETTINGS.control_plane, api_server_arguments=arguments)
        return kubeadm_documents(Plan(dataclasses.replace(SETTINGS, control_plane=plane)), NODE)

    path = Path("kubeadm.yaml")
    before = read_documents(text({"external-hostname": value, "watch-cache": "true"}), path)
    after = read_documents(text({"external-hostname": value, "watch-cache": "false"}), path)
    assert len(before) == 4
    assert changed("ClusterConfiguration", before, after)
    arguments = before["ClusterConfiguration"]["apiServer"]["extraArgs"]
    assert {"name": "external-hostname", "value": value} in arguments


@pytest.mark.engine
@pytest.mark.parametrize(
    "text",
    [
        control_plane_join(SETTINGS, of_several(1)),
        worker_join(POOL, "eu-central-1"),
        kubeadm_documents(PROD, of_several(0)),
    ],
    ids=["control plane joins", "worker joins", "external etcd"],
)
def test_kubeadm_accepts_the_other_documents(text: str, tmp_path: Path) -> None:
    # kubeadm wants to see the file, which is on a machine only while it joins.
    discovery = tmp_path / "discovery.conf"
    discovery.touch()
    file = tmp_path / "kubeadm.yaml"
    file.write_text(text.replace("/run/quorate/discovery.conf", str(discovery)))
    command = [str(binary("kubernetes", "kubeadm")), "config", "validate", "--config", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout.strip(), checked.stderr) == (0, "ok", "")


@pytest.mark.engine
def test_kubeadm_accepts_the_documents_and_names_the_images_that_are_pulled(tmp_path: Path) -> None:
    file = tmp_path / "kubeadm.yaml"
    file.write_text(kubeadm_documents(PLAN, NODE))
    kubeadm = str(binary("kubernetes", "kubeadm"))
    checked = subprocess.run([kubeadm, "config", "validate", "--config", str(file)], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout.strip(), checked.stderr) == (0, "ok", "")
    listed = subprocess.run(
        [kubeadm, "config", "images", "list", "--config", str(file)], capture_output=True, text=True, check=True
    )
    assert "registry.k8s.io/etcd:3.6.11-0" in listed.stdout.split()
