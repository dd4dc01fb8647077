"""What the API server reads from its machine's disk: the audit policy, and how Secrets are encrypted. Pure."""

from __future__ import annotations

import hashlib
from functools import cache

import yaml

from components.settings.rules import argument_values

FOLDER = argument_values.API_SERVER_FOLDER
ENCRYPTION = f"{FOLDER}/encryption.yaml"
AUDIT_LOGS = argument_values.AUDIT_LOGS
# Among the control plane's keys: that of Secrets, 32 bytes in base64.
ENCRYPTION_KEY = "encryption-key"
AUDIT_POLICY_MODE = "0600"

_READ_ONLY = ["get", "list", "watch"]
_CORE = ""
_COMPONENTS = ["system:apiserver", "system:kube-controller-manager", "system:kube-proxy", "system:kube-scheduler"]


@cache
def audit_policy() -> str:
    """The audit policy, as YAML."""
    return yaml.safe_dump(_audit_policy(), sort_keys=False, explicit_start=True)


def audit_policy_path() -> str:
    """Where it stands. The name changes with the content, and with it the manifest: so the API server restarts."""
    digest = hashlib.sha256(audit_policy().encode()).hexdigest()[:8]
    return f"{FOLDER}/audit-policy-{digest}.yaml"


def encryption_configuration(key: str) -> str:
    """How Secrets are stored; `key` is 32 bytes in base64. What is stored in plain text can still be read."""
    providers = [{"secretbox": {"keys": [{"name": "key1", "secret": key}]}}, {"identity": {}}]
    document = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": providers}],
    }
    return yaml.safe_dump(document, sort_keys=False, explicit_start=True)


def _audit_policy() -> dict[str, object]:
    """Who changed what, without bodies of secrets; the chatter of the cluster's own parts is left out."""
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi/*"]},
            {"level": "None", "resources": [{"group": _CORE, "resources": ["events"]}]},
            {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
            {"level": "None", "userGroups": ["system:nodes"], "verbs": _READ_ONLY},
            {
                "level": "None",
                "users": ["system:kube-controller-manager", "system:kube-scheduler"],
                "verbs": _READ_ONLY,
            },
            {"level": "None", "users": ["system:apiserver"], "verbs": _READ_ONLY},
            {
                "level": "Metadata",
                "resources": [
                    {"group": _CORE, "resources": ["secrets", "configmaps", "serviceaccounts/token"]},
                    {"group": "authentication.k8s.io", "resources": ["tokenreviews"]},
                ],
            },
            {"level": "Metadata", "verbs": _READ_ONLY},
            {"level": "Request", "userGroups": ["kubeadm:cluster-admins", "system:masters"]},
            {"level": "Metadata"},
        ],
    }
