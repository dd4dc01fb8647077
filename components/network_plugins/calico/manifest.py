"""Calico's manifest: every pod packet between machines goes through VXLAN, so AWS's source check may stay on. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

import yaml

from components.kubeadm.documents import KUBE_PROXY_MODE
from components.network_plugins.calico.definitions import Object, resource_definitions
from components.network_plugins.calico.permissions import CONTROLLERS, NAMESPACE, NODE, accounts_and_roles
from components.ports import CALICO_HEALTH

WORKLOAD = f"{NAMESPACE}/daemonset/{NODE}"

_CONFIGURATION = "calico-config"
_ENDPOINT = "kubernetes-services-endpoint"
# 0: Felix finds the machine's MTU, 9001 inside AWS, and leaves room for VXLAN's header.
_DETECTED_MTU = "0"
# Beside a kube-proxy that writes nftables, rules in iptables would be judged in an order that nobody decided. Said and
# not detected: Felix detects it from 3.32 on, and restarts where kube-proxy comes after it.
_WRITES_NFTABLES = "Enabled" if KUBE_PROXY_MODE == "nftables" else "Disabled"
_CONFINED: Object = {"seccompProfile": {"type": "RuntimeDefault"}}
_HOST_PATHS: Mapping[str, tuple[str, str, str]] = {
    "cni-bin": ("/opt/cni/bin", "/host/opt/cni/bin", "DirectoryOrCreate"),
    "cni-net": ("/etc/cni/net.d", "/host/etc/cni/net.d", "DirectoryOrCreate"),
    "lib-modules": ("/lib/modules", "/lib/modules", ""),
    "xtables-lock": ("/run/xtables.lock", "/run/xtables.lock", "FileOrCreate"),
    "var-run-calico": ("/var/run/calico", "/var/run/calico", "DirectoryOrCreate"),
    "var-lib-calico": ("/var/lib/calico", "/var/lib/calico", "DirectoryOrCreate"),
    "policysync": ("/var/run/nodeagent", "/var/run/nodeagent", "DirectoryOrCreate"),
    "cni-logs": ("/var/log/calico/cni", "/var/log/calico/cni", "DirectoryOrCreate"),
}
_ONLY_READ = ("lib-modules", "cni-logs")


def calico_images(version: str) -> tuple[str, str, str]:
    """The images of the node agent, the CNI plugin and the controllers."""
    node, cni, controllers = (f"quay.io/calico/{name}:v{version}" for name in ("node", "cni", "kube-controllers"))
    return node, cni, controllers


@cache
def calico_manifest(version: str, pod_cidr: str, api_host: str, api_port: int) -> str:
    """All objects as one YAML stream. Nodes reach the API at `api_host`, so they need no kube-proxy for that."""
    node, cni, controllers = calico_images(version)
    documents = [
        *resource_definitions(version),
        *accounts_and_roles(),
        _config_map(_ENDPOINT, {"KUBERNETES_SERVICE_HOST": api_host, "KUBERNETES_SERVICE_PORT": str(api_port)}),
        _config_map(_CONFIGURATION, {"cni_network_config": _cni_configuration()}),
        _daemon_set(node, cni, pod_cidr),
        _controllers(controllers),
        _disruption_budget(),
    ]
    return yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)


def _config_map(name: str, data: Mapping[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "data": dict(data),
    }


def _cni_configuration() -> str:
    """The installer replaces the words between underscores."""
    calico = {
        "type": "calico",
        "log_level": "info",
        "log_file_path": "/var/log/calico/cni/cni.log",
        "datastore_type": "kubernetes",
        "nodename": "__KUBERNETES_NODE_NAME__",
        "mtu": int(_DETECTED_MTU),
        "ipam": {"type": "calico-ipam"},
        "policy": {"type": "k8s"},
        "kubernetes": {"kubeconfig": "__KUBECONFIG_FILEPATH__"},
    }
    port_map = {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}}
    document = {"name": "k8s-pod-network", "cniVersion": "0.3.1", "plugins": [calico, port_map]}
    return json.dumps(document, indent=2)


def _daemon_set(node: str, cni: str, pod_cidr: str) -> Object:
    labels = {"k8s-app": NODE}
    pod = {
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "hostNetwork": True,
        # It makes nodes Ready, so it runs on those that are not.
        "tolerations": [{"operator": "Exists", "effect": effect} for effect in ("NoSchedule", "NoExecute")],
        "serviceAccountName": NODE,
        "securityContext": _CONFINED,
        "terminationGracePeriodSeconds": 0,
        "priorityClassName": "system-node-critical",
        "initContainers": [_installer(cni)],
        "containers": [_agent(node, pod_cidr)],
        "volumes": [_volume(name) for name in _HOST_PATHS],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": NODE, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _installer(image: str) -> Object:
    return {
        "name": "install-cni",
        "image": image,
        "command": ["/opt/cni/bin/install"],
        "envFrom": [{"configMapRef": {"name": _ENDPOINT}}],
        "env": [
            {"name": "CNI_CONF_NAME", "value": "10-calico.conflist"},
            {
                "name": "CNI_NETWORK_CONFIG",
                "valueFrom": {"configMapKeyRef": {"name": _CONFIGURATION, "key": "cni_network_config"}},
            },
            _own_field("KUBERNETES_NODE_NAME", "spec.nodeName"),
            {"name": "CNI_MTU", "value": _DETECTED_MTU},
            {"name": "SLEEP", "value": "false"},
        ],
        "volumeMounts": [_mount("cni-bin"), _mount("cni-net")],
        "securityContext": {"privileged": True},
    }


def _agent(image: str, pod_cidr: str) -> Object:
    environment = {
        "DATASTORE_TYPE": "kubernetes",
        "WAIT_FOR_DATASTORE": "true",
        "CLUSTER_TYPE": "k8s",
        "CALICO_NETWORKING_BACKEND": "vxlan",
        "CALICO_IPV4POOL_CIDR": pod_cidr,
        "CALICO_IPV4POOL_IPIP": "Never",
        "CALICO_IPV4POOL_VXLAN": "Always",
        "CALICO_DISABLE_FILE_LOGGING": "true",
        "IP": "autodetect",
        "FELIX_DEFAULTENDPOINTTOHOSTACTION": "ACCEPT",
        "FELIX_HEALTHENABLED": "true",
        "FELIX_IPV6SUPPORT": "false",
        "FELIX_NFTABLESMODE": _WRITES_NFTABLES,
        "FELIX_VXLANMTU": _DETECTED_MTU,
        "FELIX_XDPENABLED": "false",
    }
    mounts = [_mount(name) for name in _HOST_PATHS if name != "cni-bin"]
    return {
        "name": NODE,
        "image": image,
        "envFrom": [{"configMapRef": {"name": _ENDPOINT}}],
        "env": [
            *({"name": name, "value": value} for name, value in environment.items()),
            _own_field("NODENAME", "spec.nodeName"),
        ],
        "securityContext": {"privileged": True},
        "resources": {"requests": {"cpu": "150m", "memory": "128Mi"}},
        "lifecycle": {"preStop": {"exec": {"command": ["/bin/calico-node", "-shutdown"]}}},
        "livenessProbe": {
            **_felix_answers("/liveness"),
            "periodSeconds": 10,
            "initialDelaySeconds": 10,
            "failureThreshold": 6,
        },
        # Upstream asks every ten seconds, which is how long the last node then takes to count.
        "readinessProbe": {**_felix_answers("/readiness"), "periodSeconds": 2, "failureThreshold": 5},
        "volumeMounts": mounts,
    }


def _controllers(image: str) -> Object:
    labels = {"k8s-app": CONTROLLERS}
    container = {
        "name": CONTROLLERS,
        "image": image,
        "env": [
            {"name": "ENABLED_CONTROLLERS", "value": "node"},
            {"name": "DATASTORE_TYPE", "value": "kubernetes"},
        ],
        "securityContext": {"runAsNonRoot": True},
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}},
        "livenessProbe": {
            **_probe("/usr/bin/check-status", "-l"),
            "periodSeconds": 10,
            "initialDelaySeconds": 10,
            "failureThreshold": 6,
        },
        "readinessProbe": {**_probe("/usr/bin/check-status", "-r"), "periodSeconds": 5},
    }
    tolerations = [
        {"key": "CriticalAddonsOnly", "operator": "Exists"},
        {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"},
    ]
    pod = {
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": tolerations,
        "serviceAccountName": CONTROLLERS,
        "securityContext": _CONFINED,
        "priorityClassName": "system-cluster-critical",
        "containers": [container],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": CONTROLLERS, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            # Only one may be active.
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _disruption_budget() -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": CONTROLLERS, "namespace": NAMESPACE},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"k8s-app": CONTROLLERS}}},
    }


def _felix_answers(path: str) -> Object:
    """Upstream starts calico-node to ask the same, which takes more of the processor than Felix at rest."""
    return {"httpGet": {"host": "localhost", "path": path, "port": CALICO_HEALTH}, "timeoutSeconds": 10}


def _probe(*command: str) -> Object:
    return {"exec": {"command": list(command)}, "timeoutSeconds": 10}


def _own_field(name: str, path: str) -> Object:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _mount(name: str) -> Object:
    mount: Object = {"name": name, "mountPath": _HOST_PATHS[name][1]}
    return {**mount, "readOnly": True} if name in _ONLY_READ else mount


def _volume(name: str) -> Object:
    path, _, kind = _HOST_PATHS[name]
    return {"name": name, "hostPath": {"path": path, "type": kind}}
