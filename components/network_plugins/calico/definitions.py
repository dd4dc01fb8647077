"""The custom resources that Calico keeps its state in. Pure.

Their schemas are open: Calico checks what it reads and writes itself, and did without schemas for years. So one short
table stands for some hundred kilobytes of text that changes with every release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Object = dict[str, object]

GROUP = "crd.projectcalico.org"
POLICY_GROUP = "policy.networking.k8s.io"

_CLUSTER_KINDS = (
    "BGPConfiguration", "BGPFilter", "BGPPeer", "BlockAffinity", "CalicoNodeStatus", "ClusterInformation",
    "FelixConfiguration", "GlobalNetworkPolicy", "GlobalNetworkSet", "HostEndpoint", "IPAMBlock", "IPAMConfig",
    "IPAMHandle", "IPPool", "IPReservation", "KubeControllersConfiguration", "StagedGlobalNetworkPolicy", "Tier",
)  # fmt: skip
_NAMESPACED_KINDS = ("NetworkPolicy", "NetworkSet", "StagedKubernetesNetworkPolicy", "StagedNetworkPolicy")


@dataclass(frozen=True)
class _OfMinor:
    """What a minor version defines in its own way: `policies` are Kubernetes' own kinds for a whole cluster.

    `with_status`: kinds of Calico whose status is written apart from the rest.
    """

    policies: tuple[str, ...]
    policies_version: str
    with_status: tuple[str, ...] = ()


_MINORS: Mapping[str, _OfMinor] = {
    "3.31": _OfMinor(("AdminNetworkPolicy", "BaselineAdminNetworkPolicy"), "v1alpha1"),
    "3.32": _OfMinor(("ClusterNetworkPolicy",), "v1alpha2", ("KubeControllersConfiguration",)),
}


def resource_definitions(version: str) -> list[Object]:
    """A definition per kind that this version of Calico reads or writes."""
    minor = _MINORS[version.rpartition(".")[0]]
    kinds = [(kind, "Cluster") for kind in _CLUSTER_KINDS] + [(kind, "Namespaced") for kind in _NAMESPACED_KINDS]
    return [
        *(_definition(GROUP, "v1", kind, scope, kind in minor.with_status) for kind, scope in kinds),
        *(
            _definition(POLICY_GROUP, minor.policies_version, kind, "Cluster", has_status=True)
            for kind in minor.policies
        ),
    ]


def plural(kind: str) -> str:
    """`ippools` of `IPPool`."""
    name = kind.lower()
    if name.endswith("y"):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith("s") else f"{name}s"


def _definition(group: str, version: str, kind: str, scope: str, has_status: bool) -> Object:
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
    if has_status:
        served["subresources"] = {"status": {}}
    names = {"kind": kind, "listKind": f"{kind}List", "plural": name, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {"group": group, "names": names, "scope": scope, "versions": [served]},
    }
