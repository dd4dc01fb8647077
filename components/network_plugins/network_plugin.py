"""The network plugin that the settings name. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from components.network_plugins import flannel
from components.network_plugins.calico import manifest as calico
from components.plan import Plan
from components.ports import API
from components.settings.model import NetworkPluginName


@dataclass(frozen=True)
class NetworkPlugin:
    """`workload` is NAMESPACE/KIND/NAME of what must be available before nodes are Ready."""

    manifest: str
    workload: str
    images: tuple[str, ...]


def network_plugin(plan: Plan) -> NetworkPlugin:
    """The plugin of a plan, which reaches the API by its name."""
    settings, api_host = plan.settings, plan.endpoint_name
    version, pods = settings.network_plugin.version, settings.network.pod_cidr
    match settings.network_plugin.name:
        case NetworkPluginName.FLANNEL:
            return NetworkPlugin(
                flannel.flannel_manifest(version, pods, api_host, API),
                flannel.WORKLOAD,
                flannel.flannel_images(version),
            )
        case NetworkPluginName.CALICO:
            return NetworkPlugin(
                calico.calico_manifest(version, pods, api_host, API),
                calico.WORKLOAD,
                calico.calico_images(version),
            )
