"""The provider of what lives in the cluster."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_kubernetes as kubernetes
from pulumi import Output, Resource, ResourceOptions

from components.api_endpoint import ApiEndpoint
from components.checks.reachable_api import once_api_answers
from components.ports import API


def kubernetes_provider(
    name: str,
    kubeconfig: Output[str],
    api_address: Output[str],
    endpoint: ApiEndpoint,
    parent: Resource,
    after: Sequence[Resource],
) -> kubernetes.Provider:
    """Configured once the API answers the host that runs pulumi; at the earliest `after`."""
    if endpoint.public:
        after = [*after, *endpoint.first_target, endpoint.public.listener]
    return kubernetes.Provider(
        f"{name}-kubernetes",
        kubeconfig=once_api_answers(kubeconfig, api_address, API, parent, after),
        # A refresh after the machine was lost must not fail for what lived on it.
        skip_update_unreachable=True,
        # Another address of the API is not another cluster, in which every object would have to be made again.
        cluster_identifier=name,
        opts=ResourceOptions(parent=parent, depends_on=after),
    )
