"""Resource type tokens: which Kubernetes kind they stand for, and which this plugin refuses. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.engine.kubernetes.objects import Kind

PACKAGE = "kubernetes"

# The API groups that Kubernetes itself serves, as the SDK's tokens spell them.
BUILTIN_GROUPS = frozenset(
    {
        "", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "apps",
        "auditregistration.k8s.io", "autoscaling", "batch", "certificates.k8s.io", "coordination.k8s.io",
        "discovery.k8s.io", "events.k8s.io", "extensions", "flowcontrol.apiserver.k8s.io", "lifecycle.k8s.io",
        "networking.k8s.io", "node.k8s.io", "policy", "rbac.authorization.k8s.io", "resource.k8s.io",
        "scheduling.k8s.io", "settings.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
    }
)  # fmt: skip

CLUSTER_SCOPED = frozenset(
    {
        "APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding",
        "ClusterTrustBundle", "ComponentStatus", "CustomResourceDefinition", "DeviceClass", "DeviceTaintRule",
        "FlowSchema", "IPAddress", "IngressClass", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration", "Namespace", "Node", "PersistentVolume", "PriorityClass",
        "PriorityLevelConfiguration", "ResourceSlice", "RuntimeClass", "ServiceCIDR", "StorageClass",
        "StorageVersionMigration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration", "VolumeAttachment", "VolumeAttributesClass",
    }
)  # fmt: skip

_REFUSED_MODULES = ("helm.sh/", "helm", "kustomize", "yaml", "apiextensions.k8s.io:CustomResource")


class RefusedTypeError(ValueError):
    """A type token that this plugin doesn't serve."""


@dataclass(frozen=True)
class Token:
    """A type token of the package, taken apart."""

    kind: Kind
    patch: bool

    @property
    def builtin(self) -> bool:
        return self.kind.group in BUILTIN_GROUPS


def type_of_urn(urn: str) -> str:
    """The type of the resource itself, without those of its parents."""
    parts = urn.split("::", 3)
    if len(parts) != 4 or not urn.startswith("urn:pulumi:"):
        raise RefusedTypeError(f"{urn!r} is not a Pulumi URN")
    return parts[2].rsplit("$", 1)[-1]


def name_of_urn(urn: str) -> str:
    type_of_urn(urn)
    return urn.split("::", 3)[3]


def parse(token: str) -> Token:
    """`kubernetes:apps/v1:Deployment` and the like. Raises RefusedTypeError, which says why."""
    package, _, rest = token.partition(":")
    module, _, kind = rest.rpartition(":")
    if package != PACKAGE:
        raise RefusedTypeError(f"unrecognized resource type: {token!r} for this provider")
    if module.startswith(_REFUSED_MODULES):
        raise RefusedTypeError(
            f"{token}: this stand-in for pulumi-kubernetes serves single Kubernetes objects; it doesn't render Helm "
            "charts, kustomizations or YAML components. Declare the objects themselves."
        )
    group, separator, version = module.rpartition("/")
    if not separator or "/" in group:
        raise RefusedTypeError(f"apiVersion does not have both a group and a version: {module!r}")
    group = "" if group == "core" else group
    builtin = group in BUILTIN_GROUPS
    if builtin and kind.endswith("List"):
        raise RefusedTypeError(
            f"{token}: list resources exist for compatibility with YAML manifests and Helm charts, and cannot be "
            "created directly. Use the underlying resource type instead"
        )
    patch = builtin and kind.endswith("Patch")
    return Token(Kind(group, version, kind.removesuffix("Patch") if patch else kind), patch)


def namespaced(kind: Kind) -> bool | None:
    """Whether a built-in kind lives in a namespace; None for kinds that only the cluster knows."""
    if kind.group not in BUILTIN_GROUPS:
        return None
    return kind.kind not in CLUSTER_SCOPED
