"""What makes a machine of a pool a worker. Pure: everything is in its user data, and nothing secret is."""

from __future__ import annotations

from components.delivery.node_files import ETC, PATCHES, NodeFile, Role, environment_file, role_files
from components.identity.statements import parameter_path
from components.kubeadm.documents import PAUSE_IMAGE, worker_join, worker_kubelet_patch
from components.settings.model import Settings, WorkerPoolSettings


def join_parameter(cluster: str) -> str:
    """The parameter with the credentials that workers join with: control planes renew it, workers' role may read it."""
    return parameter_path(cluster, "workers", "join")


def worker_files(
    settings: Settings,
    pool: WorkerPoolSettings,
    endpoint_name: str,
    authority_pem: str,
    network_plugin_images: tuple[str, ...],
    region: str,
) -> tuple[NodeFile, ...]:
    """Everything that a worker needs to prepare itself and join: POOL-INSTANCE, where INSTANCE is its instance's id.

    `authority_pem` is the certificate of the cluster's CA, by which it verifies the API.
    """
    version = settings.cluster.kubernetes_version
    environment = {
        "ROLE": Role.WORKER,
        "CLUSTER_NAME": settings.cluster.name,
        "POOL_NAME": pool.name,
        "KUBERNETES_VERSION": version,
        "CONTAINERD_VERSION": settings.cluster.containerd_version,
        "PAUSE_IMAGE": PAUSE_IMAGE,
        "EXTRA_IMAGES": " ".join([f"registry.k8s.io/kube-proxy:v{version}", *network_plugin_images]),
        "API_ENDPOINT_NAME": endpoint_name,
        "JOIN_PARAMETER": join_parameter(settings.cluster.name),
    }
    return (
        *role_files(Role.WORKER),
        environment_file(environment),
        NodeFile(f"{ETC}/join.yaml", worker_join(pool, region)),
        # In user data: a changed setting of the kubelet rolls the pool, as workers are never changed in place.
        NodeFile(f"{PATCHES}/kubeletconfiguration+merge.yaml", worker_kubelet_patch(settings)),
        NodeFile(f"{ETC}/pki/ca.crt", authority_pem),
    )
