"""Arguments of kube-apiserver that a stack may not set, and why. Pure."""

from __future__ import annotations

from typing import Final

_BY_KEY: Final = {
    "advertise-address": "each machine has its own",
    "bind-address": "the API server listens on all addresses",
    "secure-port": "the load balancer and security groups expect 6443",
    "allow-privileged": "network plugins need it on",
    "anonymous-auth": "load balancers probe /readyz without credentials",
    "authentication-config": "kubeadm sets the arguments that it replaces",
    "authorization-config": "kubeadm sets the arguments that it replaces",
    "authorization-mode": "nodes need Node and RBAC, which kubeadm sets",
    "client-ca-file": "it is the program's own certificate authority",
    "cloud-config": "it was removed from Kubernetes",
    "cloud-provider": "it was removed from Kubernetes; a cloud controller is an add-on",
    "disable-admission-plugins": "NodeRestriction and others must stay on",
    "enable-bootstrap-token-auth": "machines join with bootstrap tokens",
    "egress-selector-config-file": "the file would have to exist on every machine",
    "encryption-provider-config": "the file would have to exist on every machine",
    "admission-control-config-file": "the file would have to exist on every machine",
    "audit-policy-file": "the file would have to exist on every machine",
    "audit-webhook-config-file": "the file would have to exist on every machine",
    "token-auth-file": "tokens in a file never expire; use certificates or service accounts",
    "service-cluster-ip-range": "set network.serviceCidr",
    "service-node-port-range": "security groups are made for the default range",
}
_BY_PREFIX: Final = {
    "etcd-": "the program sets up etcd: see the settings under etcd",
    "kubelet-": "the program sets up the connection to kubelets",
    "proxy-client-": "the program makes the front proxy's certificates",
    "requestheader-": "the program makes the front proxy's certificates",
    "service-account-": "service-account tokens are signed with the program's key",
    "tls-cert": "the program makes the certificates",
    "tls-private": "the program makes the certificates",
    "tls-sni": "the program makes the certificates",
    "insecure-": "it was removed from Kubernetes",
}


def why_owned(name: str, value: str) -> str | None:
    """A remedy when a stack may not set this argument to this value, else None."""
    if name == "enable-admission-plugins":
        if "NodeRestriction" in value.split(","):
            return None
        return "Add NodeRestriction to the list: yours replaces kubeadm's, and a node could then change other nodes."
    reason = _BY_KEY.get(name) or next((why for prefix, why in _BY_PREFIX.items() if name.startswith(prefix)), None)
    return f"Leave it out: {reason}." if reason else None
