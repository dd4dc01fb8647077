"""What the cluster's refusals mean for a preview or an operation."""

from __future__ import annotations

from sandbox.engine.kubernetes.cluster import Cluster, NoMatchError
from sandbox.engine.kubernetes.objects import Object, kind_of
from sandbox.engine.kubernetes.rest import ApiError, UnreachableError

# What can be wrong with a request or the cluster's answer to it, in words for the person.
REFUSALS = (ApiError, NoMatchError, UnreachableError, ValueError)


def serves(cluster: Cluster | None, inputs: Object) -> bool:
    """Whether the cluster can be asked about objects of this kind."""
    try:
        return cluster is not None and cluster.serves(kind_of(inputs))
    except (ApiError, UnreachableError):
        return False


def is_forbidden(error: Exception) -> bool:
    return isinstance(error, ApiError) and error.code == 403


def is_no_preview(error: Exception) -> bool:
    """Whether a dry run says nothing about the real run: what is missing or in the way may change by then."""
    return is_forbidden(error) or (
        isinstance(error, ApiError)
        and (error.namespace_missing or error.reason == "AlreadyExists" or "does not support dry run" in str(error))
    )
