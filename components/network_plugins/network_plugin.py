"""The network plugin that the settings name. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from components.network_plugins import flannel
from components.network_plugins.calico import manifest as calico
from components.settings.model import NetworkPluginName, Settings


@dataclass(frozen=True)
class NetworkPlugin:
    """`workload` is NAMESPACE/KIND/NAME of what must be available before nodes are Ready."""

    manifest: str
    workload: str
    images: tuple[str, ...]


def network_plugin(settings: Settings, api_host: str, api_port: int) -> NetworkPlugin:
    """The plugin of these settings, which reaches the API at `api_host`. Raises ValueError for an unknown version."""
    version, pods = settings.network_plugin.version, settings.network.pod_cidr
    match settings.network_plugin.name:
        case NetworkPluginName.FLANNEL:
            return NetworkPlugin(
                flannel.flannel_manifest(version, pods, api_host, api_port),
                flannel.WORKLOAD,
                flannel.flannel_images(version),
            )
        case NetworkPluginName.CALICO:
            return NetworkPlugin(
                calico.calico_manifest(version, pods, api_host, api_port),
                calico.WORKLOAD,
                calico.calico_images(version),
            )
