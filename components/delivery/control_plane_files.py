"""What a control-plane machine gets: its files, and its keys. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from components.delivery.node_files import ETC, NodeFile, environment_file, role_files
from components.delivery.registry_mirrors import registry_mirror_files
from components.kubeadm.api_server_files import (
    AUDIT_POLICY_MODE,
    ENCRYPTION,
    ENCRYPTION_KEY,
    audit_policy,
    audit_policy_path,
    encryption_configuration,
)
from components.kubeadm.documents import (
    PATCHES,
    PAUSE_IMAGE,
    ControlPlaneNode,
    api_server_grace,
    api_server_patch,
    control_plane_join,
    kubeadm_documents,
)
from components.network_plugins.network_plugin import NetworkPlugin
from components.plan import LOGIN_USER, Plan, Role, join_parameter
from components.timings import LOAD_BALANCER_NOTICES


def control_plane_files(
    plan: Plan, node: ControlPlaneNode, plugin: NetworkPlugin, volume_id: str
) -> tuple[NodeFile, ...]:
    """Everything that a control-plane machine needs and that is no secret.

    `volume_id` is empty where etcd has machines of its own. One machine of a cluster founds it, the others join.
    """
    settings, machine = plan.settings, node.machine
    environment = {
        "ROLE": Role.CONTROL_PLANE,
        "CLUSTER_NAME": settings.cluster.name,
        "MACHINE_NAME": machine.name,
        "NODE_ADDRESS": machine.address,
        "LOGIN_USER": LOGIN_USER,
        "KUBERNETES_VERSION": settings.cluster.kubernetes_version,
        "CONTAINERD_VERSION": settings.cluster.containerd_version,
        "PAUSE_IMAGE": PAUSE_IMAGE,
        "EXTRA_IMAGES": " ".join(plugin.images),
        "NETWORK_PLUGIN_WORKLOAD": plugin.workload,
        "ETCD_VOLUME_ID": volume_id,
        # Nothing on the machine reads it: it makes a volume that has grown run the step that grows the file system.
        "ETCD_VOLUME_GIB": str(machine.etcd_volume_gib) if volume_id else "",
        "API_ENDPOINT_NAME": plan.endpoint_name,
        # Without a load balancer, the endpoint is this machine.
        "API_ENDPOINT_ADDRESS": "" if plan.load_balanced else machine.address,
        "LOAD_BALANCER_NOTICES_SECONDS": str(LOAD_BALANCER_NOTICES) if plan.load_balanced else "",
        "TARGET_GROUPS": " ".join(plan.target_group_names),
        "API_SERVER_STOPS_SECONDS": str(api_server_grace(settings)) if plan.load_balanced else "",
        "CONTROL_PLANE_ADDRESSES": " ".join(plan.other_control_planes(machine)),
        "JOINS": "" if machine == plan.founder else "yes",
        "JOIN_PARAMETER": join_parameter(settings.cluster.name) if settings.workers else "",
    }
    return (
        *role_files(Role.CONTROL_PLANE, etcd_volume=bool(volume_id)),
        *registry_mirror_files(settings.containers),
        environment_file(environment),
        NodeFile(f"{ETC}/kubeadm.yaml", kubeadm_documents(plan, node)),
        NodeFile(f"{ETC}/join.yaml", control_plane_join(settings, node), needed_at_boot=False),
        *(
            [NodeFile(f"{PATCHES}/kube-apiserver.yaml", api_server_patch(settings), needed_at_boot=False)]
            if plan.load_balanced
            else []
        ),
        NodeFile(audit_policy_path(), audit_policy(), AUDIT_POLICY_MODE, needed_at_boot=False),
    )


def control_plane_keys(secrets: Mapping[str, str]) -> tuple[NodeFile, ...]:
    """Where a control-plane machine keeps its keys; `encryption-key` is that of Secrets."""
    files = [NodeFile(f"{ETC}/pki/{path}", secrets[path], "0600") for path in sorted(secrets) if path != ENCRYPTION_KEY]
    if ENCRYPTION_KEY in secrets:
        files.append(NodeFile(ENCRYPTION, encryption_configuration(secrets[ENCRYPTION_KEY]), "0600"))
    return tuple(files)
