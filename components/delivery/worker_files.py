"""What makes a machine of a pool a worker. Pure: everything is in its user data, and nothing secret is."""

from __future__ import annotations

from components.delivery.node_files import ETC, NodeFile, environment_file, role_files
from components.delivery.registry_mirrors import registry_mirror_files
from components.kubeadm.documents import PATCHES, PAUSE_IMAGE, worker_join, worker_kubelet_patch
from components.network_plugins.network_plugin import NetworkPlugin
from components.plan import Plan, Role, join_parameter
from components.settings.model import WorkerPoolSettings


def worker_files(
    plan: Plan, pool: WorkerPoolSettings, plugin: NetworkPlugin, authority_pem: str, region: str
) -> tuple[NodeFile, ...]:
    """Everything that a worker needs to prepare itself and join: POOL-INSTANCE, where INSTANCE is its instance's id.

    `authority_pem` is the certificate of the cluster's CA, by which it verifies the API.
    """
    settings = plan.settings
    version = settings.cluster.kubernetes_version
    environment = {
        "ROLE": Role.WORKER,
        "CLUSTER_NAME": settings.cluster.name,
        "POOL_NAME": pool.name,
        "KUBERNETES_VERSION": version,
        "CONTAINERD_VERSION": settings.cluster.containerd_version,
        "PAUSE_IMAGE": PAUSE_IMAGE,
        "EXTRA_IMAGES": " ".join([f"registry.k8s.io/kube-proxy:v{version}", *plugin.images]),
        "API_ENDPOINT_NAME": plan.endpoint_name,
        "JOIN_PARAMETER": join_parameter(settings.cluster.name),
    }
    return (
        *role_files(Role.WORKER),
        *registry_mirror_files(settings.containers),
        environment_file(environment),
        NodeFile(f"{ETC}/join.yaml", worker_join(pool, region)),
        # In user data: a changed setting of the kubelet rolls the pool, as workers are never changed in place.
        NodeFile(f"{PATCHES}/kubeletconfiguration+merge.yaml", worker_kubelet_patch(settings)),
        NodeFile(f"{ETC}/pki/ca.crt", authority_pem),
    )
