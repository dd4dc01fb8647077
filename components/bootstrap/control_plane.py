"""Makes a control-plane machine a control plane: its files, its certificate authorities, kubeadm."""

from __future__ import annotations

from collections.abc import Mapping

from pulumi import ComponentResource, Output, Resource, ResourceOptions

from components.access import LOGIN_USER
from components.bootstrap.kubeadm_documents import PAUSE_IMAGE
from components.bootstrap.node_files import ETC, NodeFile, bundle, environment_file, static_files
from components.bootstrap.remote import RemoteMachine, run_scripts
from components.settings.model import Settings


def control_plane_files(
    settings: Settings,
    machine: str,
    private_address: str,
    endpoint_name: str,
    volume_id: str,
    documents: str,
    network_plugin_workload: str,
    network_plugin_images: tuple[str, ...],
) -> tuple[NodeFile, ...]:
    """Everything that a control-plane machine needs and that is no secret. Pure."""
    environment = {
        "CLUSTER_NAME": settings.cluster.name,
        "MACHINE_NAME": machine,
        "NODE_ADDRESS": private_address,
        "LOGIN_USER": LOGIN_USER,
        "KUBERNETES_VERSION": settings.cluster.kubernetes_version,
        "CONTAINERD_VERSION": settings.cluster.containerd_version,
        "PAUSE_IMAGE": PAUSE_IMAGE,
        "EXTRA_IMAGES": " ".join(network_plugin_images),
        "NETWORK_PLUGIN_WORKLOAD": network_plugin_workload,
        "ETCD_VOLUME_ID": volume_id,
        "ETCD_VOLUME_GIB": str(settings.etcd.volume_gib),
        "API_ENDPOINT_NAME": endpoint_name,
    }
    if settings.control_plane.count == 1:
        environment["API_ENDPOINT_ADDRESS"] = private_address
    return (*static_files(), environment_file(environment), NodeFile(f"{ETC}/kubeadm.yaml", documents))


class ControlPlaneBootstrap(ComponentResource):
    """Delivers what kubeadm needs and runs it. Complete when the machine's API server is ready.

    A changed setting shows as changed lines of `configure`, and is applied in place.
    """

    configured: Resource

    def __init__(
        self,
        name: str,
        machine: RemoteMachine,
        files: Output[tuple[NodeFile, ...]],
        pki: Mapping[str, Output[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:bootstrap:ControlPlaneBootstrap", name, None, opts)
        authorities = Output.all(**pki).apply(
            lambda pems: bundle(tuple(NodeFile(f"{ETC}/pki/{path}", pems[path], "0600") for path in sorted(pems)))
        )
        delivered = run_scripts(
            f"{name}-pki",
            machine,
            [["receive-files.sh"]],
            stdin=Output.secret(authorities),
            parent=self,
            secret=True,
        )
        self.configured = run_scripts(
            f"{name}-configure",
            machine,
            [["receive-files.sh"], ["configure-control-plane.sh"]],
            stdin=files.apply(bundle),
            parent=self,
            depends_on=[delivered],
        )
        self.register_outputs({})
