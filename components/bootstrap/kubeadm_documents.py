"""The documents that kubeadm reads, API version kubeadm.k8s.io/v1beta4. Pure: settings in, YAML out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from components.bootstrap.node_files import PATCHES
from components.settings.model import Settings

API_PORT = 6443
ETCD_DATA = "/var/lib/etcd/data"
PAUSE_IMAGE = "registry.k8s.io/pause:3.10.2"

# kubeadm's own choice for these minors is older than 3.6.11, which every member needs before etcd 3.7 comes with 1.37.
ETCD_IMAGE_TAGS: Mapping[str, str] = {"1.35": "3.6.11-0", "1.36": "3.6.11-0"}

Document = dict[str, object]


@dataclass(frozen=True)
class ControlPlaneMachine:
    """What the documents say about one machine. `public_address` is where operators reach its API server."""

    name: str
    private_address: str
    public_address: str
    endpoint_name: str


def kubeadm_documents(settings: Settings, machine: ControlPlaneMachine) -> str:
    """The four documents as one YAML stream."""
    documents = [
        _init_configuration(settings, machine),
        _cluster_configuration(settings, machine),
        _kubelet_configuration(settings),
        _kube_proxy_configuration(),
    ]
    return yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)


def kubernetes_minor(version: str) -> str:
    """`1.36` of `1.36.4`."""
    return ".".join(version.split(".")[:2])


def _init_configuration(settings: Settings, machine: ControlPlaneMachine) -> Document:
    registration: Document = {
        "name": machine.name,
        "criSocket": "unix:///run/containerd/containerd.sock",
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": _arguments({"node-ip": machine.private_address}),
    }
    if settings.control_plane.schedulable:
        # Absent, kubeadm taints a control plane; an empty list is its way to say "no taint".
        registration["taints"] = []
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        # kubeadm always makes a token. Nothing joins with this one, so it expires at once.
        "bootstrapTokens": [{"ttl": "1m0s", "description": "made by kubeadm init, unused"}],
        "localAPIEndpoint": {"advertiseAddress": machine.private_address, "bindPort": API_PORT},
        "nodeRegistration": registration,
        "patches": {"directory": PATCHES},
        "skipPhases": ["show-join-command"],
    }


def _cluster_configuration(settings: Settings, machine: ControlPlaneMachine) -> Document:
    version = settings.cluster.kubernetes_version
    etcd: Document = {
        "dataDir": ETCD_DATA,
        "extraArgs": _arguments(
            {
                "heartbeat-interval": str(settings.etcd.heartbeat_interval_ms),
                "election-timeout": str(settings.etcd.election_timeout_ms),
            }
        ),
    }
    if (minor := kubernetes_minor(version)) in ETCD_IMAGE_TAGS:
        etcd["imageTag"] = ETCD_IMAGE_TAGS[minor]
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "clusterName": settings.cluster.name,
        "kubernetesVersion": f"v{version}",
        "controlPlaneEndpoint": f"{machine.endpoint_name}:{API_PORT}",
        "networking": {
            "dnsDomain": "cluster.local",
            "podSubnet": settings.network.pod_cidr,
            "serviceSubnet": settings.network.service_cidr,
        },
        "encryptionAlgorithm": "ECDSA-P256",
        "etcd": {"local": etcd},
        "apiServer": {
            "certSANs": [machine.endpoint_name, machine.private_address, machine.public_address, "127.0.0.1"],
            "extraArgs": _arguments({"profiling": "false", **settings.control_plane.api_server_arguments}),
        },
        "controllerManager": {"extraArgs": _arguments({"profiling": "false"})},
        "scheduler": {"extraArgs": _arguments({"profiling": "false"})},
    }


def _kubelet_configuration(settings: Settings) -> Document:
    high = settings.kubelet.image_gc_high_threshold_percent
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "systemd",
        "containerLogMaxSize": settings.kubelet.container_log_max_size,
        "imageGCHighThresholdPercent": high,
        # The kubelet refuses a low threshold that is not below the high one.
        "imageGCLowThresholdPercent": min(80, high - 5),
        "maxPods": settings.kubelet.max_pods,
    }


def _kube_proxy_configuration() -> Document:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        # The connection limit is the node's (its sysctl file), as a container may not be allowed to set it.
        "conntrack": {"maxPerCore": 0, "min": 0},
    }


def _arguments(values: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    return [{"name": name, "value": value} for name, value in sorted(values.items())]
