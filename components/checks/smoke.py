"""A small web page in the cluster: the proof that pods run and a Service answers, and something to look at."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi_kubernetes as kubernetes
from pulumi import ComponentResource, Resource, ResourceOptions

from components.addons.spread import spread
from components.plan import Plan

NAMESPACE = "quorate-smoke"
SERVICE = "smoke"
PORT = 80
_TARGET_PORT = 8080
IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.63.0"
_NOBODY = 65534


def page_text(plan: Plan) -> str:
    """What stands on the page."""
    return f"The cluster {plan.settings.cluster.name} works."


def page(plan: Plan) -> str:
    """What the Service answers."""
    return f"<!doctype html>\n<title>{plan.settings.cluster.name}</title>\n<h1>{page_text(plan)}</h1>\n"


class Smoke(ComponentResource):
    """A Deployment that serves a page, and its Service. All of it goes with the cluster: `deleted_with`."""

    def __init__(
        self,
        name: str,
        plan: Plan,
        provider: kubernetes.Provider,
        deleted_with: Resource,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:addons:Smoke", name, None, opts)
        child = ResourceOptions(parent=self, provider=provider, deleted_with=deleted_with)
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
            opts=child,
        )
        in_namespace = ResourceOptions.merge(child, ResourceOptions(depends_on=[namespace]))
        labels = {"app.kubernetes.io/name": SERVICE}
        configuration = kubernetes.core.v1.ConfigMap(
            f"{name}-page",
            metadata={"name": "page", "namespace": NAMESPACE},
            data={"index.html": page(plan)},
            opts=in_namespace,
        )
        deployment = kubernetes.apps.v1.Deployment(
            f"{name}-web",
            metadata={"name": SERVICE, "namespace": NAMESPACE, "labels": labels},
            spec={
                "replicas": 2 if plan.has_several_nodes else 1,
                "selector": {"match_labels": labels},
                "template": {"metadata": {"labels": labels}, "spec": _pod(labels)},
            },
            opts=ResourceOptions.merge(in_namespace, ResourceOptions(depends_on=[configuration])),
        )
        self.service = kubernetes.core.v1.Service(
            f"{name}-web",
            metadata={
                "name": SERVICE,
                "namespace": NAMESPACE,
                "labels": labels,
                # Its pods are ready by now; whether it answers is asked of it afterwards, not guessed in ten seconds.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec={
                "selector": labels,
                "ports": [{"name": "http", "port": PORT, "target_port": _TARGET_PORT, "protocol": "TCP"}],
            },
            opts=ResourceOptions.merge(in_namespace, ResourceOptions(depends_on=[deployment])),
        )
        self.register_outputs({})


def _pod(labels: Mapping[str, str]) -> kubernetes.core.v1.PodSpecArgsDict:
    return {
        # The proof is worth more from two nodes, but one will do.
        "topology_spread_constraints": spread(labels),
        # The server would serve the token's file too.
        "automount_service_account_token": False,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": _NOBODY,
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "web",
                "image": IMAGE,
                "args": ["test-webserver", f"--port={_TARGET_PORT}"],
                "ports": [{"name": "http", "container_port": _TARGET_PORT}],
                "readiness_probe": {"http_get": {"path": "/index.html", "port": "http"}, "period_seconds": 2},
                "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
                "security_context": {
                    "allow_privilege_escalation": False,
                    "read_only_root_filesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volume_mounts": [{"name": "page", "mount_path": "/index.html", "sub_path": "index.html"}],
            }
        ],
        "volumes": [{"name": "page", "config_map": {"name": "page"}}],
    }
