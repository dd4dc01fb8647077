"""The operator's kubeconfig. Pure."""

from __future__ import annotations

import base64

import yaml

from components.plan import Plan
from components.ports import API


def operator_kubeconfig(plan: Plan, address: str, authority: str, certificate: str, key: str) -> str:
    """A kubeconfig with everything inline; `authority`, `certificate` and `key` are PEM.

    The API is dialled at `address`, as the endpoint's name resolves only inside the VPC, and checked under that name,
    which every certificate has from the first moment on. `address` comes into it later; tools that drop the name go by
    that.
    """
    cluster = plan.settings.cluster.name
    user = f"{cluster}-operator"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": cluster,
                "cluster": {
                    "server": f"https://{address}:{API}",
                    "tls-server-name": plan.endpoint_name,
                    "certificate-authority-data": _encoded(authority),
                },
            }
        ],
        "users": [
            {
                "name": user,
                "user": {"client-certificate-data": _encoded(certificate), "client-key-data": _encoded(key)},
            }
        ],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user}}],
        "current-context": cluster,
    }
    return yaml.safe_dump(document, sort_keys=False)


def _encoded(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()
