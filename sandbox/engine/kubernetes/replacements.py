"""Which changed properties make a new object, by kind: the fields that pulumi-kubernetes replaces for. Data.

`[*]` stands for any place in a list. A path matches a change at it or below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.engine.kubernetes.objects import kind_of

IDENTITY = (".metadata.name", ".metadata.namespace")

_SELECTOR = (".spec.selector",)
_ROLE_BINDING = (".roleRef",)
_STATEFUL_SET = (
    ".spec.podManagementPolicy", ".spec.revisionHistoryLimit", ".spec.selector", ".spec.serviceName",
    ".spec.volumeClaimTemplates",
)  # fmt: skip

_VOLUME_SOURCES = (
    "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker",
    "gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local", "nfs", "photonPersistentDisk", "portworxVolume",
    "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume",
)  # fmt: skip

_POD_FIELDS = (
    "affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks", "hostAliases",
    "hostIPC", "hostNetwork", "hostPID", "hostname", "imagePullSecrets", "nodeName", "nodeSelector", "overhead",
    "preemptionPolicy", "priority", "priorityClassName", "readinessGates", "restartPolicy", "runtimeClassName",
    "schedulerName", "securityContext", "serviceAccount", "serviceAccountName", "shareProcessNamespace", "subdomain",
    "terminationGracePeriodSeconds", "volumes",
)  # fmt: skip

_CONTAINER_FIELDS = (
    "args", "command", "env", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "ports", "readinessProbe",
    "resources", "securityContext", "stdin", "stdinOnce", "terminationMessagePath", "terminationMessagePolicy", "tty",
    "volumeDevices", "volumeMounts", "workingDir",
)  # fmt: skip

_FORCED: dict[tuple[str, str], tuple[str, ...]] = {
    ("apps/v1", "DaemonSet"): _SELECTOR,
    ("apps/v1", "Deployment"): _SELECTOR,
    ("apps/v1", "StatefulSet"): _STATEFUL_SET,
    ("batch/v1", "Job"): (".spec.completions", ".spec.parallelism", ".spec.selector", ".spec.template"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): _ROLE_BINDING,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): _ROLE_BINDING,
    ("storage.k8s.io/v1", "StorageClass"): (".parameters", ".provisioner"),
    ("v1", "PersistentVolume"): tuple(f".spec.{source}" for source in _VOLUME_SOURCES),
    ("v1", "PersistentVolumeClaim"): (
        ".spec.accessModes", ".spec.selector", ".spec.storageClassName", ".spec.volumeName",
    ),
    ("v1", "Pod"): tuple(f".spec.{field}" for field in _POD_FIELDS)
    + tuple(
        f".spec.{containers}[*].{field}"
        for containers in ("containers", "initContainers")
        for field in _CONTAINER_FIELDS
    ),
    ("v1", "ResourceQuota"): (".spec.scopes",),
    ("v1", "Secret"): (".type",),
    ("v1", "Service"): (".spec.clusterIP",),
}  # fmt: skip


def forced(obj: Mapping[str, Any], *, mutable_config_maps: bool, mutable_secrets: bool, patch: bool) -> tuple[str, ...]:
    """The paths whose change replaces this object. A patch is replaced only with what it patches."""
    if patch:
        return IDENTITY
    kind = kind_of(obj)
    immutable = obj.get("immutable") is True
    paths = IDENTITY + _FORCED.get((kind.api_version, kind.kind), ())
    if (kind.api_version, kind.kind) == ("v1", "Secret") and (not mutable_secrets or immutable):
        return (*paths, ".stringData", ".data")
    if (kind.api_version, kind.kind) == ("v1", "ConfigMap") and (not mutable_config_maps or immutable):
        return (*paths, ".binaryData", ".data")
    return paths


def matches(path: tuple[str | int, ...], pattern: str, value: Any) -> bool:
    """Whether a change at `path` touches `pattern`: at it, below it, or by a new `value` that holds it."""
    wanted = pattern.removeprefix(".").replace("[*]", ".[*]").split(".")
    if not all(_step(step, want) for step, want in zip(path, wanted, strict=False)):
        return False
    return _holds(value, wanted[len(path) :])


def _step(step: str | int, wanted: str) -> bool:
    return step == wanted or (wanted == "[*]" and isinstance(step, int))


def _holds(value: Any, rest: list[str]) -> bool:
    if not rest:
        return True
    if rest[0] == "[*]":
        return isinstance(value, list) and any(_holds(entry, rest[1:]) for entry in value)
    return isinstance(value, Mapping) and rest[0] in value and _holds(value[rest[0]], rest[1:])
