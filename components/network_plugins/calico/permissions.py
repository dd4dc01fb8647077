"""What Calico's parts may do in the cluster. Pure.

One set for all versions that can be installed: while pods of a new version roll out, those of the old one run with the
same roles. A kind that a part lists at its start, and may not, keeps it from becoming ready for ever; of one that the
API server doesn't have, "not found" is an answer it starts with. `tests/components/manifests` compares with upstream.
"""

from __future__ import annotations

from collections.abc import Sequence

from components.network_plugins.calico.definitions import GROUP, POLICY_GROUP, Object

NAMESPACE = "kube-system"
NODE = "calico-node"
CNI_PLUGIN = "calico-cni-plugin"
CONTROLLERS = "calico-kube-controllers"

_READ = ("get", "list", "watch")
_WATCH = ("list", "watch")
_WRITE = ("create", "update")
_ALL = (*_READ, *_WRITE, "delete")
_ADDRESSES = ("blockaffinities", "ipamblocks", "ipamconfigs", "ipamhandles")
_NETWORK_POLICIES = ("globalnetworkpolicies", "networkpolicies", "stagedglobalnetworkpolicies", "stagednetworkpolicies")
_VIRTUAL_MACHINES = ("virtualmachineinstances", "virtualmachines")


def accounts_and_roles() -> list[Object]:
    """A service account, its role and their binding, for each part."""
    roles = {NODE: _node_rules(), CNI_PLUGIN: _cni_plugin_rules(), CONTROLLERS: _controller_rules()}
    return [
        document for name, rules in roles.items() for document in (_account(name), _role(name, rules), _binding(name))
    ]


def _node_rules() -> list[Object]:
    return [
        # The CNI plugin's token, which it renews on the node.
        {**_rule("", ("serviceaccounts/token",), ("create",)), "resourceNames": [CNI_PLUGIN]},
        _rule("", ("endpoints", "namespaces", "nodes", "pods", "services"), _READ),
        _rule("", ("serviceaccounts",), _WATCH),
        _rule("", ("configmaps",), ("get",)),
        _rule("", ("nodes/status",), ("patch", "update")),
        _rule("", ("pods/status",), ("patch",)),
        _rule("apps", ("daemonsets",), ("get",)),
        _rule("discovery.k8s.io", ("endpointslices",), _WATCH),
        _rule("networking.k8s.io", ("networkpolicies",), _WATCH),
        # Those of 3.31, and what has taken their place in 3.32.
        _rule(POLICY_GROUP, ("adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"), _WATCH),
        # Felix 3.32 lists migrations of virtual machines in every cluster.
        _rule("kubevirt.io", ("virtualmachineinstancemigrations",), _READ),
        _rule(
            GROUP,
            (
                *_NETWORK_POLICIES, "bgpconfigurations", "bgpfilters", "bgppeers", "blockaffinities",
                "caliconodestatuses", "clusterinformations", "felixconfigurations", "globalbgpconfigs",
                "globalfelixconfigs", "globalnetworksets", "hostendpoints", "ipamblocks", "ippools", "ipreservations",
                "networksets", "stagedkubernetesnetworkpolicies", "tiers",
            ),
            _READ,
        ),
        _rule(
            GROUP, ("bgpconfigurations", "bgppeers", "clusterinformations", "felixconfigurations", "ippools"), _WRITE
        ),
        _rule(GROUP, ("tiers",), ("create",)),
        _rule(GROUP, ("caliconodestatuses",), ("update",)),
        _rule(GROUP, ("blockaffinities", "ipamblocks", "ipamhandles"), ("get", "list", *_WRITE, "delete")),
        _rule(GROUP, ("ipamconfigs",), ("get", "create")),
    ]  # fmt: skip


def _cni_plugin_rules() -> list[Object]:
    return [
        _rule("", ("namespaces", "nodes", "pods"), ("get",)),
        _rule("", ("pods/status",), ("patch",)),
        _rule(
            GROUP, (*_ADDRESSES, "clusterinformations", "ippools", "ipreservations"), ("get", "list", *_WRITE, "delete")
        ),
        _rule("kubevirt.io", _VIRTUAL_MACHINES, ("get",)),
    ]


def _controller_rules() -> list[Object]:
    return [
        _rule("", ("namespaces", "nodes", "pods"), _READ),
        _rule("", ("services", "services/status"), (*_READ, "update")),
        _rule("apps", ("daemonsets", "deployments"), _READ),
        # Its controller of migrations to another datastore is always there, and waits for a definition.
        _rule("apiextensions.k8s.io", ("customresourcedefinitions",), _READ),
        _rule("kubevirt.io", _VIRTUAL_MACHINES, _READ),
        _rule(GROUP, ("ipreservations",), ("list",)),
        _rule(GROUP, ("ippools",), _WATCH),
        _rule(GROUP, (*_ADDRESSES, *_NETWORK_POLICIES, "hostendpoints", "tiers"), _ALL),
        _rule(GROUP, ("clusterinformations", "kubecontrollersconfigurations"), (*_READ, *_WRITE)),
        _rule(GROUP, ("kubecontrollersconfigurations/status",), ("get", "update")),
    ]


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> Object:
    return {"apiGroups": [group], "resources": sorted(resources), "verbs": list(verbs)}


def _account(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}}


def _role(name: str, rules: list[Object]) -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules,
    }


def _binding(name: str) -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
    }
