"""What pulumi-kubernetes installs, so that a preview shows its changes."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_kubernetes as kubernetes
from pulumi import Resource, ResourceOptions

from components.addons.metrics_server import MetricsServer
from components.plan import Plan
from components.settings.model import AddonSettings


def install_addons(
    name: str,
    plan: Plan,
    provider: kubernetes.Provider,
    deleted_with: Resource,
    network_ready: Resource,
    child: ResourceOptions,
) -> Sequence[Resource]:
    """The add-ons that the settings name. All of them go with the cluster: `deleted_with`.

    What needs a network between pods at its start waits for `network_ready`.
    """
    settings = plan.settings
    options = ResourceOptions.merge(child, ResourceOptions(provider=provider, deleted_with=deleted_with))
    installed: list[Resource] = []
    if plan.has_several_nodes:
        installed.append(_dns_disruption_budget(name, options))
    if settings.addons.metrics_server:
        installed.append(MetricsServer(f"{name}-metrics-server", 1, provider, deleted_with, network_ready, child))
    if settings.addons.storage_class_provisioner:
        installed.append(_default_storage_class(name, settings.addons, options))
    return installed


def _dns_disruption_budget(name: str, options: ResourceOptions) -> Resource:
    """A drain takes one of the pods of cluster DNS at a time."""
    return kubernetes.policy.v1.PodDisruptionBudget(
        f"{name}-coredns",
        metadata={"name": "coredns", "namespace": "kube-system"},
        spec={"max_unavailable": 1, "selector": {"match_labels": {"k8s-app": "kube-dns"}}},
        opts=options,
    )


def _default_storage_class(name: str, addons: AddonSettings, options: ResourceOptions) -> Resource:
    return kubernetes.storage.v1.StorageClass(
        f"{name}-storage",
        metadata={"name": "default", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        provisioner=addons.storage_class_provisioner,
        parameters=dict(addons.storage_class_parameters),
        # A disk belongs to a zone: it is made where its pod comes to stand.
        volume_binding_mode="WaitForFirstConsumer",
        reclaim_policy="Delete",
        allow_volume_expansion=True,
        opts=ResourceOptions.merge(options, ResourceOptions(delete_before_replace=True)),
    )
