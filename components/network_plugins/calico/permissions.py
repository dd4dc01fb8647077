"""What Calico's parts may do in the cluster. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from components.network_plugins.calico.definitions import GROUP, POLICY_GROUP, Object

NAMESPACE = "kube-system"
NODE = "calico-node"
CNI_PLUGIN = "calico-cni-plugin"
CONTROLLERS = "calico-kube-controllers"

_READ = ("get", "list", "watch")
_WRITE = ("create", "update")
_ALL = (*_READ, *_WRITE, "delete")
_ADDRESSES = ("blockaffinities", "ipamblocks", "ipamconfigs", "ipamhandles")


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
        _rule("", ("endpoints", "namespaces", "nodes", "pods", "serviceaccounts", "services"), _READ),
        _rule("", ("configmaps",), ("get",)),
        _rule("", ("nodes/status",), ("patch", "update")),
        _rule("", ("pods/status",), ("patch",)),
        _rule("apps", ("daemonsets",), ("get",)),
        _rule("discovery.k8s.io", ("endpointslices",), ("list", "watch")),
        _rule("networking.k8s.io", ("networkpolicies",), ("list", "watch")),
        _rule(POLICY_GROUP, ("clusternetworkpolicies",), ("list", "watch")),
        _rule(GROUP, ("*",), _READ),
        _rule(
            GROUP,
            ("bgpconfigurations", "bgppeers", "clusterinformations", "felixconfigurations", "ippools", "tiers"),
            _WRITE,
        ),
        _rule(GROUP, ("caliconodestatuses",), ("update",)),
        _rule(GROUP, _ADDRESSES, (*_WRITE, "delete")),
    ]


def _cni_plugin_rules() -> list[Object]:
    return [
        _rule("", ("namespaces", "nodes", "pods"), ("get",)),
        _rule("", ("pods/status",), ("patch",)),
        _rule(
            GROUP, (*_ADDRESSES, "clusterinformations", "ippools", "ipreservations"), ("get", "list", *_WRITE, "delete")
        ),
    ]


def _controller_rules() -> list[Object]:
    policies = ("globalnetworkpolicies", "networkpolicies", "stagedglobalnetworkpolicies", "stagednetworkpolicies")
    return [
        _rule("", ("namespaces", "nodes", "pods"), _READ),
        _rule("", ("services", "services/status"), (*_READ, "update")),
        {**_rule("apps", ("daemonsets",), ("get",)), "resourceNames": [NODE]},
        _rule(GROUP, ("ippools", "ipreservations"), _READ),
        _rule(GROUP, (*_ADDRESSES, *policies, "hostendpoints", "tiers"), _ALL),
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
