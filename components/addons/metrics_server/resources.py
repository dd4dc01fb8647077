"""metrics-server: its Deployment, what it may read, and the API in front of it."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_kubernetes as kubernetes
from pulumi import ComponentResource, Resource, ResourceOptions

from components.addons.metrics_server.addon import IMAGE
from components.addons.spread import spread
from components.plan import Plan

_NAMESPACE = "kube-system"
_NAME = "metrics-server"
_PORT = 10250
_REPLICAS = 1


def declare_metrics_server(
    name: str, plan: Plan, options: ResourceOptions, network_ready: Resource
) -> Sequence[Resource]:
    """The component, which stands for all that is in it."""
    return [MetricsServer(f"{name}-metrics-server", options, network_ready)]


class MetricsServer(ComponentResource):
    """The API metrics.k8s.io/v1beta1 and the server behind it."""

    def __init__(self, name: str, options: ResourceOptions, network_ready: Resource) -> None:
        """It asks the API at its start: on a node whose pod network is not there yet, it hangs for half a minute."""
        own = ResourceOptions(parent=options.parent, transforms=options.transforms)
        super().__init__("quorate:addons:MetricsServer", name, None, own)
        self._name = name
        self._child = ResourceOptions(parent=self, provider=options.provider, deleted_with=options.deleted_with)
        self._labels = {"app.kubernetes.io/name": _NAME}
        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-account", metadata={"name": _NAME, "namespace": _NAMESPACE}, opts=self._child
        )
        permissions = self._permissions()
        deployment = kubernetes.apps.v1.Deployment(
            f"{name}-server",
            metadata={"name": _NAME, "namespace": _NAMESPACE, "labels": self._labels},
            spec={
                "replicas": _REPLICAS,
                "selector": {"match_labels": self._labels},
                "strategy": {"rolling_update": {"max_unavailable": 1}},
                "template": {"metadata": {"labels": self._labels}, "spec": self._pod()},
            },
            opts=ResourceOptions.merge(self._child, ResourceOptions(depends_on=[account, *permissions, network_ready])),
        )
        service = kubernetes.core.v1.Service(
            f"{name}-server",
            metadata={
                "name": _NAME,
                "namespace": _NAMESPACE,
                "labels": self._labels,
                # Its pod is ready by now; the API behind it shows whether it answers.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec={
                "selector": self._labels,
                "ports": [{"name": "https", "port": 443, "target_port": "https", "protocol": "TCP"}],
            },
            opts=ResourceOptions.merge(self._child, ResourceOptions(depends_on=[deployment])),
        )
        kubernetes.apiregistration.v1.APIService(
            f"{name}-api",
            metadata={
                "name": "v1beta1.metrics.k8s.io",
                "labels": self._labels,
                "annotations": {"pulumi.com/waitFor": "condition=Available"},
            },
            spec={
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "group_priority_minimum": 100,
                "version_priority": 100,
                # It makes its certificate itself at each start, and nobody else signs it.
                "insecure_skip_tls_verify": True,
                "service": {"name": _NAME, "namespace": _NAMESPACE},
            },
            opts=ResourceOptions.merge(self._child, ResourceOptions(depends_on=[service])),
        )
        self.register_outputs({})

    def _permissions(self) -> list[Resource]:
        """What it may read, and who may read it."""
        reader = "system:aggregated-metrics-reader"
        return [
            kubernetes.rbac.v1.ClusterRole(
                f"{self._name}-reader",
                metadata={
                    "name": reader,
                    "labels": {
                        **self._labels,
                        **{
                            f"rbac.authorization.k8s.io/aggregate-to-{role}": "true"
                            for role in ("admin", "edit", "view")
                        },
                    },
                },
                rules=[
                    {
                        "api_groups": ["metrics.k8s.io"],
                        "resources": ["pods", "nodes"],
                        "verbs": ["get", "list", "watch"],
                    }
                ],
                opts=self._child,
            ),
            kubernetes.rbac.v1.ClusterRole(
                f"{self._name}-server",
                metadata={"name": f"system:{_NAME}", "labels": self._labels},
                rules=[
                    {"api_groups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
                    {"api_groups": [""], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]},
                ],
                opts=self._child,
            ),
            self._binding("server", f"system:{_NAME}"),
            self._binding("delegator", "system:auth-delegator"),
            kubernetes.rbac.v1.RoleBinding(
                f"{self._name}-auth-reader",
                metadata={"name": f"{_NAME}-auth-reader", "namespace": _NAMESPACE, "labels": self._labels},
                role_ref={
                    "api_group": "rbac.authorization.k8s.io",
                    "kind": "Role",
                    "name": "extension-apiserver-authentication-reader",
                },
                subjects=[{"kind": "ServiceAccount", "name": _NAME, "namespace": _NAMESPACE}],
                opts=self._child,
            ),
        ]

    def _binding(self, suffix: str, role: str) -> Resource:
        return kubernetes.rbac.v1.ClusterRoleBinding(
            f"{self._name}-{suffix}",
            metadata={"name": role if suffix == "server" else f"{_NAME}:{role}", "labels": self._labels},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            subjects=[{"kind": "ServiceAccount", "name": _NAME, "namespace": _NAMESPACE}],
            opts=self._child,
        )

    def _pod(self) -> kubernetes.core.v1.PodSpecArgsDict:
        return {
            "service_account_name": _NAME,
            "priority_class_name": "system-cluster-critical",
            "topology_spread_constraints": spread(self._labels),
            "containers": [
                {
                    "name": _NAME,
                    "image": IMAGE,
                    "args": [
                        f"--secure-port={_PORT}",
                        "--cert-dir=/tmp",
                        "--kubelet-preferred-address-types=InternalIP",
                        "--kubelet-use-node-status-port",
                        "--metric-resolution=15s",
                        # Kubelets sign their serving certificates themselves: nobody here approves requests for others.
                        # The way is encrypted, and security groups close the port to all but nodes.
                        "--kubelet-insecure-tls",
                    ],
                    "ports": [{"name": "https", "container_port": _PORT, "protocol": "TCP"}],
                    "readiness_probe": {
                        "http_get": {"path": "/readyz", "port": "https", "scheme": "HTTPS"},
                        "initial_delay_seconds": 5,
                        "period_seconds": 5,
                    },
                    "liveness_probe": {
                        "http_get": {"path": "/livez", "port": "https", "scheme": "HTTPS"},
                        "period_seconds": 10,
                    },
                    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
                    "security_context": {
                        "allow_privilege_escalation": False,
                        "read_only_root_filesystem": True,
                        "run_as_non_root": True,
                        "run_as_user": 1000,
                        "seccomp_profile": {"type": "RuntimeDefault"},
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volume_mounts": [{"name": "tmp", "mount_path": "/tmp"}],
                }
            ],
            "volumes": [{"name": "tmp", "empty_dir": {}}],
        }
