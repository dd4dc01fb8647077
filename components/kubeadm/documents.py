"""The documents that kubeadm reads, API version kubeadm.k8s.io/v1beta4. Pure: settings in, YAML out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from components.kubeadm import api_server_files
from components.kubeadm.labels import Place, label_arguments, place_labels, pool_labels
from components.plan import Plan, PlannedMachine
from components.ports import API, ETCD_CLIENTS
from components.settings.model import KubeletSettings, NetworkPluginName, Settings, WorkerPoolSettings
from components.settings.rules.argument_values import seconds
from components.timings import (
    API_SHUTDOWN_DELAY,
    API_WATCHES_END,
    SHUTDOWN_GRACE,
    SHUTDOWN_GRACE_FOR_API_SERVER,
    SHUTDOWN_GRACE_FOR_CRITICAL_PODS,
    api_grace,
)

CRI_SOCKET = "unix:///run/containerd/containerd.sock"
ETCD_DATA = "/var/lib/etcd/data"
# Where kubeadm finds what is laid over its own configuration.
PATCHES = "/opt/quorate/share/patches"
PAUSE_IMAGE = "registry.k8s.io/pause:3.10.2"
PKI = "/etc/kubernetes/pki"
# Where the scripts write, in memory, how to reach and verify the cluster, with credentials that live shortly.
DISCOVERY = "/run/quorate/discovery.conf"
# How Services reach pods. A network plugin that filters packets writes its rules to the same place.
KUBE_PROXY_MODE = "nftables"
# kubeadm's own choice for these minors is older than 3.6.11, which every member needs before etcd 3.7 comes with 1.37.
ETCD_IMAGE_TAGS: Mapping[str, str] = {"1.35": "3.6.11-0", "1.36": "3.6.11-0"}

_DELAY = "shutdown-delay-duration"
# The priorities of system-node-critical, which kubeadm's static pods have, and of system-cluster-critical.
_NODE_CRITICAL = 2000001000
_CLUSTER_CRITICAL = 2000000000

Document = dict[str, object]


@dataclass(frozen=True)
class ControlPlaneNode:
    """A control-plane machine as a node of the cluster.

    `public_address` is where operators reach its API server, empty if they don't.
    """

    machine: PlannedMachine
    place: Place
    public_address: str = ""


def kubeadm_documents(plan: Plan, node: ControlPlaneNode) -> str:
    """The documents of `kubeadm init`, as one YAML stream; a machine that joined applies changes from it, too."""
    documents = [
        _init_configuration(plan.settings, node),
        _cluster_configuration(plan, node),
        _kubelet_configuration(plan),
        _kube_proxy_configuration(),
    ]
    return yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)


def control_plane_join(settings: Settings, node: ControlPlaneNode) -> str:
    """How a machine joins as a control plane: by a file with the cluster's CA, so no certificate key is needed."""
    document = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "JoinConfiguration",
        "discovery": {"file": {"kubeConfigPath": DISCOVERY}},
        "controlPlane": {"localAPIEndpoint": _local_endpoint(node.machine.address)},
        "nodeRegistration": _control_plane_registration(settings, node),
        "patches": {"directory": PATCHES},
    }
    return yaml.safe_dump(document, sort_keys=False, explicit_start=True)


def worker_join(pool: WorkerPoolSettings, region: str) -> str:
    """How the machines of a pool join. Their names and zones are not in it: each has its own."""
    registration: Document = {
        "criSocket": CRI_SOCKET,
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": label_arguments(pool_labels(pool, region)),
    }
    if pool.taints:
        registration["taints"] = [{"key": t.key, "value": t.value, "effect": str(t.effect)} for t in pool.taints]
    document = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "JoinConfiguration",
        "discovery": {"file": {"kubeConfigPath": DISCOVERY}},
        "nodeRegistration": registration,
        "patches": {"directory": PATCHES},
    }
    return yaml.safe_dump(document, sort_keys=False, explicit_start=True)


def worker_kubelet_patch(settings: Settings) -> str:
    """What a worker lays over the cluster's stored KubeletConfiguration, which may be older than its own files."""
    return yaml.safe_dump(_kubelet_settings(settings.kubelet), sort_keys=False)


def api_server_grace(settings: Settings) -> int:
    """Seconds from the request to stop until the kubelet kills an API server behind a load balancer."""
    return api_grace(seconds(settings.control_plane.api_server_arguments.get(_DELAY, "")) or API_SHUTDOWN_DELAY)


def api_server_patch(settings: Settings) -> str:
    """What is laid over kubeadm's manifest of an API server behind a load balancer.

    The kubelet gives it the time that it needs to stop in order, and, as its priority is below that of etcd, ends etcd
    after it when the machine shuts down.
    """
    spec = {
        "priority": _CLUSTER_CRITICAL,
        "priorityClassName": "system-cluster-critical",
        "terminationGracePeriodSeconds": api_server_grace(settings),
    }
    return yaml.safe_dump({"spec": spec}, sort_keys=False)


def kubernetes_minor(version: str) -> str:
    """`1.36` of `1.36.4`."""
    return ".".join(version.split(".")[:2])


def _init_configuration(settings: Settings, node: ControlPlaneNode) -> Document:
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        # kubeadm always makes a token. Nothing joins with this one, so it expires at once.
        "bootstrapTokens": [{"ttl": "1m0s", "description": "made by kubeadm init, unused"}],
        "localAPIEndpoint": _local_endpoint(node.machine.address),
        "nodeRegistration": _control_plane_registration(settings, node),
        "patches": {"directory": PATCHES},
        "skipPhases": ["show-join-command"],
    }


def _cluster_configuration(plan: Plan, node: ControlPlaneNode) -> Document:
    settings = plan.settings
    # kubeadm keeps one such document for the whole cluster, so machines of a load-balanced one must not differ in it.
    # To each certificate kubeadm adds the machine's own address by itself.
    own_names = [] if plan.load_balanced else [node.machine.address, node.public_address]
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "clusterName": settings.cluster.name,
        "kubernetesVersion": f"v{settings.cluster.kubernetes_version}",
        "controlPlaneEndpoint": f"{plan.endpoint_name}:{API}",
        "networking": {
            "dnsDomain": "cluster.local",
            "podSubnet": settings.network.pod_cidr,
            "serviceSubnet": settings.network.service_cidr,
        },
        # Health checks of network load balancers are known to work with this one.
        "encryptionAlgorithm": "RSA-2048",
        "etcd": _external_etcd(list(plan.etcd_addresses.values()))
        if plan.etcd_is_external
        else _stacked_etcd(settings),
        "apiServer": {
            "certSANs": [plan.endpoint_name, *filter(None, own_names), "127.0.0.1"],
            "extraArgs": _arguments(
                {**_api_server_arguments(plan.load_balanced), **settings.control_plane.api_server_arguments}
            ),
            "extraVolumes": [
                _volume("quorate", api_server_files.FOLDER, read_only=True),
                _volume("audit", api_server_files.AUDIT_LOGS, read_only=False),
            ],
        },
        "controllerManager": {"extraArgs": _arguments(_controller_manager_arguments(settings))},
        "scheduler": {"extraArgs": _arguments({"profiling": "false"})},
    }


def _stacked_etcd(settings: Settings) -> Document:
    etcd: Document = {
        "dataDir": ETCD_DATA,
        "extraArgs": _arguments(
            {
                "heartbeat-interval": str(settings.etcd.heartbeat_interval_ms),
                "election-timeout": str(settings.etcd.election_timeout_ms),
                "quota-backend-bytes": str(settings.etcd.quota_bytes),
            }
        ),
    }
    if (minor := kubernetes_minor(settings.cluster.kubernetes_version)) in ETCD_IMAGE_TAGS:
        etcd["imageTag"] = ETCD_IMAGE_TAGS[minor]
    return {"local": etcd}


def _external_etcd(addresses: Sequence[str]) -> Document:
    return {
        "external": {
            "endpoints": [f"https://{address}:{ETCD_CLIENTS}" for address in addresses],
            "caFile": f"{PKI}/etcd/ca.crt",
            "certFile": f"{PKI}/apiserver-etcd-client.crt",
            "keyFile": f"{PKI}/apiserver-etcd-client.key",
        }
    }


def _api_server_arguments(load_balanced: bool) -> Mapping[str, str]:
    arguments = {
        "audit-log-maxage": "30",
        "audit-log-maxbackup": "10",
        "audit-log-maxsize": "100",
        "audit-log-path": f"{api_server_files.AUDIT_LOGS}/audit.log",
        "audit-policy-file": api_server_files.audit_policy_path(),
        "encryption-provider-config": api_server_files.ENCRYPTION,
        "profiling": "false",
    }
    if load_balanced:
        # Clients keep connections for days: without a nudge, they all stay where a restart has driven them.
        arguments["goaway-chance"] = "0.001"
        arguments[_DELAY] = f"{API_SHUTDOWN_DELAY}s"
        # Without it watches are cut off when the process ends.
        arguments["shutdown-watch-termination-grace-period"] = f"{API_WATCHES_END}s"
    return arguments


def _controller_manager_arguments(settings: Settings) -> Mapping[str, str]:
    arguments = {"profiling": "false"}
    if settings.network_plugin.name is NetworkPluginName.CALICO:
        # Calico takes blocks of the pods' range by itself. The ranges that Kubernetes sets aside are larger, nobody
        # reads them, and they are used up first.
        arguments["allocate-node-cidrs"] = "false"
    return arguments


def _volume(name: str, path: str, *, read_only: bool) -> Document:
    kind = "Directory" if read_only else "DirectoryOrCreate"
    return {"name": name, "hostPath": path, "mountPath": path, "readOnly": read_only, "pathType": kind}


def _local_endpoint(private_address: str) -> Document:
    return {"advertiseAddress": private_address, "bindPort": API}


def _control_plane_registration(settings: Settings, node: ControlPlaneNode) -> Document:
    labels = place_labels(node.place, settings.control_plane.instance_type)
    registration: Document = {
        "name": node.machine.name,
        "criSocket": CRI_SOCKET,
        "imagePullPolicy": "IfNotPresent",
        # First what machines have in common: a preview shows a change together with its neighbouring lines.
        "kubeletExtraArgs": [*label_arguments(labels), *_arguments({"node-ip": node.machine.address})],
    }
    if settings.control_plane.schedulable:
        # Absent, kubeadm taints a control plane; an empty list is its way to say "no taint".
        registration["taints"] = []
    return registration


def _kubelet_configuration(plan: Plan) -> Document:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "systemd",
        **_kubelet_settings(plan.settings.kubelet),
        **_shutdown_order(plan.load_balanced),
    }


def _shutdown_order(load_balanced: bool) -> Document:
    """A machine that shuts down ends its pods in order first: ordinary ones, then those that nodes need."""
    if not load_balanced:
        return {
            "shutdownGracePeriod": f"{SHUTDOWN_GRACE}s",
            "shutdownGracePeriodCriticalPods": f"{SHUTDOWN_GRACE_FOR_CRITICAL_PODS}s",
        }
    periods = {
        0: SHUTDOWN_GRACE - SHUTDOWN_GRACE_FOR_CRITICAL_PODS,
        _CLUSTER_CRITICAL: SHUTDOWN_GRACE_FOR_API_SERVER,
        _NODE_CRITICAL: SHUTDOWN_GRACE_FOR_CRITICAL_PODS,
    }
    return {
        "shutdownGracePeriodByPodPriority": [
            {"priority": priority, "shutdownGracePeriodSeconds": period} for priority, period in periods.items()
        ]
    }


def _kubelet_settings(kubelet: KubeletSettings) -> Document:
    high = kubelet.image_gc_high_threshold_percent
    return {
        "containerLogMaxSize": kubelet.container_log_max_size,
        "imageGCHighThresholdPercent": high,
        # The kubelet refuses a low threshold that is not below the high one.
        "imageGCLowThresholdPercent": min(80, high - 5),
        "maxPods": kubelet.max_pods,
    }


def _kube_proxy_configuration() -> Document:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": KUBE_PROXY_MODE,
        # The connection limit is the node's (its sysctl file), as a container may not be allowed to set it.
        "conntrack": {"maxPerCore": 0, "min": 0},
    }


def _arguments(values: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    return [{"name": name, "value": value} for name, value in sorted(values.items())]
