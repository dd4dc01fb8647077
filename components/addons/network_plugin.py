"""The network plugin that the settings name. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from components.addons import flannel
from components.settings.model import NetworkPluginName, Settings


@dataclass(frozen=True)
class NetworkPlugin:
    """`workload` is NAMESPACE/KIND/NAME of what must be available before nodes are Ready."""

    manifest: str
    workload: str
    images: tuple[str, ...]


def network_plugin(settings: Settings, api_host: str, api_port: int) -> NetworkPlugin:
    """Raises ValueError for a plugin or version that cannot be installed."""
    name, version = settings.network_plugin.name, settings.network_plugin.version
    if name is not NetworkPluginName.FLANNEL:
        raise ValueError(f"the network plugin {name} cannot be installed yet; choose {NetworkPluginName.FLANNEL}")
    return NetworkPlugin(
        manifest=flannel.flannel_manifest(version, settings.network.pod_cidr, api_host, api_port),
        workload=flannel.WORKLOAD,
        images=flannel.flannel_images(version),
    )
