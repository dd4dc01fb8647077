"""Arguments of kube-apiserver: which a stack may set, and to what. Pure.

What is refused here keeps the API server from starting, lets it refuse everything, or is the program's to set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from components.settings.rules.api_server_flags import FLAGS, MINOR, RELEASE
from components.settings.rules.argument_values import AUDIT_LOGS, conflicts, seconds, unusable
from components.settings.suggestions import did_you_mean
from components.timings import API_SHUTDOWN_DELAY, POD_GRACE

_OWNED: Final = {
    "admission-control": "enable-admission-plugins has taken its place, and kubeadm sets that",
    "advertise-address": "each machine has its own",
    "apiserver-count": "API servers find each other by leases",
    "bind-address": "the API server listens on all addresses",
    "secure-port": "the load balancer and security groups expect 6443",
    "allow-privileged": "network plugins need it on",
    "anonymous-auth": "load balancers probe /readyz without credentials",
    "authentication-config": "kubeadm sets the arguments that it replaces",
    "authorization-config": "kubeadm sets the arguments that it replaces",
    "authorization-mode": "nodes need Node and RBAC, which kubeadm sets",
    "cert-dir": "the program makes the certificates",
    "client-ca-file": "it is the program's own certificate authority",
    "debug-socket-path": "it opens the profiler without authentication",
    "disable-admission-plugins": "NodeRestriction and others must stay on",
    "enable-bootstrap-token-auth": "machines join with bootstrap tokens",
    "encryption-provider-config": "the program encrypts Secrets",
    "help": "the API server would print its arguments and end",
    "peer-advertise-ip": "each machine has its own",
    "peer-advertise-port": "all API servers listen on 6443",
    "token-auth-file": "tokens in a file never expire; use certificates or service accounts",
    "service-cluster-ip-range": "set network.serviceCidr",
    "service-node-port-range": "security groups are made for the default range",
    "version": "the API server would print its version and end",
}
_OWNED_BY_PREFIX: Final = {
    "etcd-": "the program sets up etcd: see the settings under etcd",
    "kubelet-": "the program sets up the connection to kubelets",
    "proxy-client-": "the program makes the front proxy's certificates",
    "requestheader-": "the program makes the front proxy's certificates",
    "service-account-": "service-account tokens are signed with the program's key",
    "tls-cert": "the program makes the certificates",
    "tls-private": "the program makes the certificates",
    "tls-sni": "the program makes the certificates",
}
_REMOVED: Final = {
    "cloud-config": "it was removed from Kubernetes",
    "cloud-provider": "it was removed from Kubernetes; a cloud controller is an add-on",
    "default-watch-cache-size": "it has no effect",
    "enable-swagger-ui": "it was removed from Kubernetes",
    "repair-malformed-updates": "it was removed from Kubernetes",
    "target-ram-mb": "it was removed from Kubernetes",
}
_REMOVED_BY_PREFIX: Final = {
    "basic-auth-": "it was removed from Kubernetes",
    "experimental-": "it was removed from Kubernetes",
    "insecure-": "it was removed from Kubernetes",
    "audit-dynamic-": "it was removed from Kubernetes",
}
_OF_THE_LOAD_BALANCER: Final = ("shutdown-delay-duration", "shutdown-watch-termination-grace-period")
# Of TLS 1.2, with the RSA key that API servers have.
_HEALTH_CHECK_SUITES: Final = ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
_KINDS: Final = {name: kind for kind, names in FLAGS.items() for name in names.split()}


def refused_arguments(arguments: Mapping[str, str], minor: int) -> Iterator[tuple[str, str]]:
    """The arguments that the API server of a Kubernetes minor can't have, each with a remedy."""
    for name, value in arguments.items():
        remedy = _not_to_be_set(name) or _unknown(name, minor)
        if remedy is None and name in _KINDS:
            remedy = unusable(name, _KINDS[name], value, minor)
        if remedy is not None:
            yield name, remedy
    yield from conflicts(arguments, minor)


def unbalanced_arguments(arguments: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Arguments that don't go with a load balancer in front of the API server, each with a remedy."""
    for name in _OF_THE_LOAD_BALANCER:
        if name in arguments:
            yield (
                name,
                "Leave it out: behind a load balancer it follows from the time that this needs to notice an API server "
                f"which stops, {API_SHUTDOWN_DELAY} s.",
            )
    if arguments.get("tls-min-version") == "VersionTLS13":
        yield (
            "tls-min-version",
            "Choose VersionTLS12: health checks of the load balancer speak no TLS 1.3, so it would find no API server "
            "healthy and never take one out.",
        )
    suites = arguments.get("tls-cipher-suites")
    if suites is not None and not any(suite.strip() in _HEALTH_CHECK_SUITES for suite in suites.split(",")):
        yield (
            "tls-cipher-suites",
            f"Add {_HEALTH_CHECK_SUITES[0]}: health checks of the load balancer speak none of these, so it would find "
            "no API server healthy and never take one out.",
        )


def doubtful_arguments(arguments: Mapping[str, str], minor: int) -> Iterator[tuple[str, str]]:
    """Arguments that an API server may run with, and probably not as meant, each with advice."""
    for name, value in arguments.items():
        if name not in _KINDS and minor != MINOR and _not_to_be_set(name) is None:
            yield (
                name,
                f"Kubernetes {RELEASE} has no such argument, and quorate doesn't know those that only 1.{minor} has: "
                f"make sure of it, or the API server doesn't start.{_near(name)}",
            )
        if name == "shutdown-watch-termination-grace-period" and (seconds(value) or 0) >= POD_GRACE:
            why = f"the kubelet kills an API server that has not ended after {POD_GRACE} s"
            yield name, f"Choose less than {POD_GRACE}s: {why}."
        if name == "audit-log-path" and value != "-" and not value.startswith(f"{AUDIT_LOGS}/"):
            yield name, f"Choose a file below {AUDIT_LOGS}, or leave it out: elsewhere it is lost with its container."


def _not_to_be_set(name: str) -> str | None:
    reason = _OWNED.get(name) or _REMOVED.get(name) or _by_prefix(name)
    return f"Leave it out: {reason}." if reason else None


def _by_prefix(name: str) -> str | None:
    prefixes = {**_OWNED_BY_PREFIX, **_REMOVED_BY_PREFIX}
    return next((why for prefix, why in prefixes.items() if name.startswith(prefix)), None)


def _unknown(name: str, minor: int) -> str | None:
    if name in _KINDS or minor != MINOR:
        return None
    return (
        f"Leave it out: kube-apiserver {RELEASE} has no such argument and would not start.{_near(name)} "
        "`kube-apiserver --help` lists them."
    )


def _near(name: str) -> str:
    return did_you_mean(name, (known for known in _KINDS if _not_to_be_set(known) is None))
