"""What pulumi-kubernetes installs, so that a preview shows its changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import pulumi_kubernetes as kubernetes
from pulumi import Resource, ResourceOptions

from components.addons.catalogue import wanted_addons
from components.addons.cluster_dns.resources import declare_cluster_dns
from components.addons.metrics_server.resources import declare_metrics_server
from components.addons.storage_class.resources import declare_storage_class
from components.plan import Plan


class Declare(Protocol):
    """Declares an add-on's objects, named after `name`, each with `options`: parent, provider, `deleted_with`.

    What needs a network between pods at its start depends on `network_ready`. `pulumi up` ends when the add-on works:
    the provider waits for workloads by itself; what else takes time says how it is waited for in its annotations,
    `pulumi.com/waitFor` or `pulumi.com/skipAwait`. The result is what stands for all of them.
    """

    def __call__(
        self, name: str, plan: Plan, options: ResourceOptions, network_ready: Resource, /
    ) -> Sequence[Resource]: ...


DECLARED: Mapping[str, Declare] = {
    "cluster_dns": declare_cluster_dns,
    "metrics_server": declare_metrics_server,
    "storage_class": declare_storage_class,
}


def install_addons(
    name: str,
    plan: Plan,
    provider: kubernetes.Provider,
    deleted_with: Resource,
    network_ready: Resource,
    child: ResourceOptions,
) -> Sequence[Resource]:
    """The add-ons that the plan wants. All of them go with the cluster: `deleted_with`."""
    options = ResourceOptions.merge(child, ResourceOptions(provider=provider, deleted_with=deleted_with))
    return [
        resource
        for addon in wanted_addons(plan)
        for resource in DECLARED[addon.name](name, plan, options, network_ready)
    ]
