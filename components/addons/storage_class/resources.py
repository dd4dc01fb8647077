"""The default StorageClass."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_kubernetes as kubernetes
from pulumi import Resource, ResourceOptions

from components.plan import Plan


def declare_storage_class(
    name: str, plan: Plan, options: ResourceOptions, network_ready: Resource
) -> Sequence[Resource]:
    """The class that a claim gets if it names none."""
    addons = plan.settings.addons
    return [
        kubernetes.storage.v1.StorageClass(
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
    ]
