"""The operator's kubeconfig. Pure."""

from __future__ import annotations

import base64

import yaml


def operator_kubeconfig(
    cluster: str, address: str, port: int, endpoint_name: str, authority: str, certificate: str, key: str
) -> str:
    """A kubeconfig with everything inline; `authority`, `certificate` and `key` are PEM.

    The API is dialled at `address`, as `endpoint_name` resolves only inside the VPC, and checked under that name.
    """
    user = f"{cluster}-operator"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": cluster,
                "cluster": {
                    "server": f"https://{address}:{port}",
                    "tls-server-name": endpoint_name,
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
