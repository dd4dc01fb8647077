"""The custom resources that Calico keeps its state in. Pure.

Their schemas are open: Calico checks what it reads and writes itself, and did without schemas for years. So one short
table stands for some hundred kilobytes of text that changes with every release.
"""

from __future__ import annotations

Object = dict[str, object]

GROUP = "crd.projectcalico.org"
POLICY_GROUP = "policy.networking.k8s.io"

_CLUSTER_KINDS = (
    "BGPConfiguration", "BGPFilter", "BGPPeer", "BlockAffinity", "CalicoNodeStatus", "ClusterInformation",
    "FelixConfiguration", "GlobalNetworkPolicy", "GlobalNetworkSet", "HostEndpoint", "IPAMBlock", "IPAMConfig",
    "IPAMHandle", "IPPool", "IPReservation", "KubeControllersConfiguration", "StagedGlobalNetworkPolicy", "Tier",
)  # fmt: skip
_NAMESPACED_KINDS = ("NetworkPolicy", "NetworkSet", "StagedKubernetesNetworkPolicy", "StagedNetworkPolicy")
# Its controllers write the status of their configuration apart from the rest.
_WITH_STATUS = ("KubeControllersConfiguration",)


def resource_definitions() -> list[Object]:
    """A definition per kind."""
    return [
        *(_definition(GROUP, "v1", kind, "Cluster") for kind in _CLUSTER_KINDS),
        *(_definition(GROUP, "v1", kind, "Namespaced") for kind in _NAMESPACED_KINDS),
        _definition(POLICY_GROUP, "v1alpha2", "ClusterNetworkPolicy", "Cluster"),
    ]


def plural(kind: str) -> str:
    """`ippools` of `IPPool`."""
    name = kind.lower()
    if name.endswith("y"):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith("s") else f"{name}s"


def _definition(group: str, version: str, kind: str, scope: str) -> Object:
    name = plural(kind)
    metadata: Object = {"name": f"{name}.{group}"}
    if group.endswith(".k8s.io"):
        # In Kubernetes' own name space the API server asks who approved a definition. Nobody did this open one.
        metadata["annotations"] = {"api-approved.kubernetes.io": "unapproved, an open schema for what Calico reads"}
    served: Object = {
        "name": version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    if kind in _WITH_STATUS:
        served["subresources"] = {"status": {}}
    names = {"kind": kind, "listKind": f"{kind}List", "plural": name, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {"group": group, "names": names, "scope": scope, "versions": [served]},
    }
