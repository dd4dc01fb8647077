"""Makes a control-plane machine a control plane: its files, its certificate authorities, kubeadm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pulumi import ComponentResource, CustomResource, Output, Resource, ResourceOptions

from components.access import LOGIN_USER
from components.delivery.node_files import ETC, NodeFile, Role, environment_file, role_files
from components.delivery.remote import RemoteMachine
from components.delivery.steps import deliver_and_configure
from components.delivery.worker_files import join_parameter
from components.kubeadm.api_server_files import ENCRYPTION, audit_policy_file, encryption_configuration
from components.kubeadm.documents import (
    PAUSE_IMAGE,
    ControlPlaneMachine,
    control_plane_join,
    kubeadm_documents,
)
from components.pki import ENCRYPTION_KEY
from components.settings.model import Settings


def control_plane_files(
    settings: Settings,
    machine: ControlPlaneMachine,
    volume_id: str,
    network_plugin_workload: str,
    network_plugin_images: tuple[str, ...],
    *,
    joins: bool = False,
    other_addresses: Sequence[str] = (),
) -> tuple[NodeFile, ...]:
    """Everything that a control-plane machine needs and that is no secret. Pure.

    `volume_id` is empty where etcd has machines of its own. One machine of a cluster founds it, the others join.
    `other_addresses` are those of the other control-plane machines.
    """
    environment = {
        "ROLE": Role.CONTROL_PLANE,
        "CLUSTER_NAME": settings.cluster.name,
        "MACHINE_NAME": machine.name,
        "NODE_ADDRESS": machine.private_address,
        "LOGIN_USER": LOGIN_USER,
        "KUBERNETES_VERSION": settings.cluster.kubernetes_version,
        "CONTAINERD_VERSION": settings.cluster.containerd_version,
        "PAUSE_IMAGE": PAUSE_IMAGE,
        "EXTRA_IMAGES": " ".join(network_plugin_images),
        "NETWORK_PLUGIN_WORKLOAD": network_plugin_workload,
        "ETCD_VOLUME_ID": volume_id,
        # No script reads it: it makes a volume that has grown run the step that grows the file system.
        "ETCD_VOLUME_GIB": str(settings.etcd.volume_gib) if volume_id else "",
        "API_ENDPOINT_NAME": machine.endpoint_name,
        # Without a load balancer, the endpoint is this machine.
        "API_ENDPOINT_ADDRESS": "" if machine.load_balanced else machine.private_address,
        "CONTROL_PLANE_ADDRESSES": " ".join(other_addresses),
        "JOINS": "yes" if joins else "",
        "JOIN_PARAMETER": join_parameter(settings.cluster.name) if settings.workers else "",
    }
    return (
        *role_files(Role.CONTROL_PLANE, etcd_volume=bool(volume_id)),
        environment_file(environment),
        NodeFile(f"{ETC}/kubeadm.yaml", kubeadm_documents(settings, machine)),
        NodeFile(f"{ETC}/join.yaml", control_plane_join(settings, machine), needed_at_boot=False),
        audit_policy_file(),
    )


def secret_files(secrets: Mapping[str, str]) -> tuple[NodeFile, ...]:
    """Where a control-plane machine keeps its keys; `encryption-key` is that of Secrets. Pure."""
    files = [NodeFile(f"{ETC}/pki/{path}", secrets[path], "0600") for path in sorted(secrets) if path != ENCRYPTION_KEY]
    if ENCRYPTION_KEY in secrets:
        files.append(NodeFile(ENCRYPTION, encryption_configuration(secrets[ENCRYPTION_KEY]), "0600"))
    return tuple(files)


class ControlPlaneBootstrap(ComponentResource):
    """Delivers what kubeadm needs and runs it. Complete when the machine's API server is ready.

    A changed setting shows as changed lines of `configure`, and is applied in place.
    """

    configured: CustomResource

    def __init__(
        self,
        name: str,
        machine: RemoteMachine,
        files: Output[tuple[NodeFile, ...]],
        pki: Mapping[str, Output[str]],
        opts: ResourceOptions | None = None,
        after: Sequence[Resource] = (),
    ) -> None:
        """`after` is what kubeadm waits for: an option of a component does not reach the commands in it."""
        super().__init__("quorate:bootstrap:ControlPlaneBootstrap", name, None, opts)
        keys = Output.all(**pki).apply(secret_files)
        self.configured = deliver_and_configure(
            name, machine, keys, files, "configure-control-plane.sh", parent=self, after=after
        )
        self.register_outputs({})
