"""Flannel's manifest: pod network over VXLAN (UDP 8472). Pure."""

from __future__ import annotations

import json
from functools import cache

import yaml

from components.settings.plugin_versions import FLANNEL_CNI_PLUGINS

NAMESPACE = "kube-flannel"
WORKLOAD = f"{NAMESPACE}/daemonset/kube-flannel-ds"

# The CNI configuration makes a node Ready. Upstream installs it before Flannel has a subnet, and the first pods then
# fail and wait in back-off; here it comes when Flannel has written the subnet, or the container fails after a minute.
_INSTALL_CNI_CONFIGURATION = """\
tries=0
until [ -s /run/flannel/subnet.env ]; do
  tries=$((tries + 1))
  [ $tries -lt 300 ] || exit 1
  sleep 0.2
done
exec cp -f /etc/kube-flannel/cni-conf.json /etc/cni/net.d/10-flannel.conflist
"""

_LABELS = {"app": "flannel", "tier": "node"}

Object = dict[str, object]


def flannel_images(version: str) -> tuple[str, str]:
    """Flannel's image and its CNI plugin's."""
    return (
        f"ghcr.io/flannel-io/flannel:v{version}",
        f"ghcr.io/flannel-io/flannel-cni-plugin:{FLANNEL_CNI_PLUGINS[version]}",
    )


@cache
def flannel_manifest(version: str, pod_cidr: str, api_host: str, api_port: int) -> str:
    """All objects as one YAML stream. Flannel reaches the API at `api_host`, not at its Service."""
    objects = [_namespace(), _cluster_role(), _cluster_role_binding(), _service_account(), _configuration(pod_cidr)]
    return yaml.safe_dump_all(
        [*objects, _daemon_set(version, api_host, api_port)], sort_keys=False, explicit_start=True
    )


def _namespace() -> Object:
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def _cluster_role() -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "flannel"},
        "rules": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["patch"]},
        ],
    }


def _cluster_role_binding() -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "flannel"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "flannel"},
        "subjects": [{"kind": "ServiceAccount", "name": "flannel", "namespace": NAMESPACE}],
    }


def _service_account() -> Object:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "flannel", "namespace": NAMESPACE}}


def _configuration(pod_cidr: str) -> Object:
    cni = {
        "name": "cbr0",
        "cniVersion": "0.3.1",
        "plugins": [
            {"type": "flannel", "delegate": {"hairpinMode": True, "isDefaultGateway": True}},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
    network = {"Network": pod_cidr, "EnableNFTables": False, "Backend": {"Type": "vxlan"}}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kube-flannel-cfg", "namespace": NAMESPACE, "labels": _LABELS},
        "data": {"cni-conf.json": json.dumps(cni, indent=2), "net-conf.json": json.dumps(network, indent=2)},
    }


def _daemon_set(version: str, api_host: str, api_port: int) -> Object:
    flannel, cni_plugin = flannel_images(version)
    pod = {
        "hostNetwork": True,
        "priorityClassName": "system-node-critical",
        "serviceAccountName": "flannel",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        # It makes nodes Ready, so it runs on those that are not.
        "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
        "initContainers": [
            {
                "name": "install-cni-plugin",
                "image": cni_plugin,
                "command": ["cp", "-f", "/flannel", "/opt/cni/bin/flannel"],
                "volumeMounts": [{"name": "cni-plugins", "mountPath": "/opt/cni/bin"}],
            },
        ],
        "containers": [
            {
                "name": "kube-flannel",
                "image": flannel,
                "command": ["/opt/bin/flanneld", "--ip-masq", "--kube-subnet-mgr"],
                "lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", _INSTALL_CNI_CONFIGURATION]}}},
                "resources": {"requests": {"cpu": "100m", "memory": "50Mi"}},
                "securityContext": {"privileged": False, "capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}},
                "env": [
                    # The Service's address works only once kube-proxy does, which starts at the same time.
                    {"name": "KUBERNETES_SERVICE_HOST", "value": api_host},
                    {"name": "KUBERNETES_SERVICE_PORT", "value": str(api_port)},
                    {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
                    {"name": "EVENT_QUEUE_DEPTH", "value": "5000"},
                    {"name": "CONT_WHEN_CACHE_NOT_READY", "value": "false"},
                ],
                "volumeMounts": [
                    {"name": "run", "mountPath": "/run/flannel"},
                    {"name": "configuration", "mountPath": "/etc/kube-flannel"},
                    {"name": "cni", "mountPath": "/etc/cni/net.d"},
                    {"name": "xtables-lock", "mountPath": "/run/xtables.lock"},
                ],
            }
        ],
        "volumes": [
            {"name": "run", "hostPath": {"path": "/run/flannel"}},
            {"name": "cni-plugins", "hostPath": {"path": "/opt/cni/bin"}},
            {"name": "cni", "hostPath": {"path": "/etc/cni/net.d"}},
            {"name": "configuration", "configMap": {"name": "kube-flannel-cfg"}},
            {"name": "xtables-lock", "hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}},
        ],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "kube-flannel-ds", "namespace": NAMESPACE, "labels": _LABELS},
        "spec": {
            "selector": {"matchLabels": {"app": "flannel"}},
            "template": {"metadata": {"labels": _LABELS}, "spec": pod},
        },
    }
