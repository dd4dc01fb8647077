"""The cluster of a configured provider, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.engine.kubernetes import kubeconfig
from sandbox.engine.kubernetes.cluster import Cluster
from sandbox.engine.kubernetes.kubeconfig import KubeconfigError
from sandbox.engine.kubernetes.objects import Kind, lookup, text
from sandbox.engine.kubernetes.rest import ApiError, RateLimit, Rest, UnreachableError
from sandbox.engine.kubernetes.settings import Settings

OLDEST = (1, 22)  # the first with server-side apply for good


class TooOldError(Exception):
    """The cluster is older than what this plugin speaks."""


@dataclass(frozen=True)
class Access:
    """A reachable cluster, or the reason why there is none; and the namespace for objects that name none."""

    cluster: Cluster | None
    namespace: str
    unreachable: str = ""


def connect(settings: Settings) -> Access:
    """Reads the kubeconfig and asks the API server for its version. Raises TooOldError."""
    namespace = ""
    try:
        document = kubeconfig.load(settings.kubeconfig) if settings.kubeconfig else kubeconfig.ambient()
        if not document:
            return Access(
                None,
                settings.namespace or "default",
                "no kubeconfig: set the provider's kubeconfig argument or the environment variable KUBECONFIG",
            )
        connection = kubeconfig.resolve(document, settings.context, settings.cluster, settings.namespace)
        namespace = connection.namespace
        limit = RateLimit(settings.qps, settings.burst)
        cluster = Cluster(Rest(connection, timeout=settings.timeout, limit=limit), namespace)
        version = cluster.version()
    except KubeconfigError as error:
        return Access(None, namespace, f"failed to parse kubeconfig data in `kubernetes:config:kubeconfig`- {error}")
    except (UnreachableError, ApiError) as error:
        return Access(None, namespace, f"unable to load schema information from the API server: {error}")
    if version < OLDEST:
        raise TooOldError(
            f"the cluster is v{version[0]}.{version[1]}; this plugin needs v{OLDEST[0]}.{OLDEST[1]} or newer"
        )
    return Access(cluster, namespace)


class DeclaredKinds:
    """Custom kinds that the program is about to make, known before the cluster serves them."""

    def __init__(self) -> None:
        self._namespaced: dict[tuple[str, str], bool] = {}

    def add(self, definition: Mapping[str, Any]) -> None:
        key = (text(lookup(definition, "spec", "group")), text(lookup(definition, "spec", "names", "kind")))
        self._namespaced[key] = lookup(definition, "spec", "scope") != "Cluster"

    def is_namespaced(self, kind: Kind) -> bool | None:
        return self._namespaced.get((kind.group, kind.kind))
