"""A disruption budget for CoreDNS."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_kubernetes as kubernetes
from pulumi import Resource, ResourceOptions

from components.plan import Plan


def declare_cluster_dns(name: str, plan: Plan, options: ResourceOptions, network_ready: Resource) -> Sequence[Resource]:
    """A drain takes one of the pods of cluster DNS at a time."""
    return [
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{name}-coredns",
            metadata={"name": "coredns", "namespace": "kube-system"},
            spec={"max_unavailable": 1, "selector": {"match_labels": {"k8s-app": "kube-dns"}}},
            opts=options,
        )
    ]
