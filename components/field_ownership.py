"""Who owns the fields of the objects that pulumi-kubernetes keeps in the cluster."""

from __future__ import annotations

from typing import Any

from pulumi import ResourceTransformArgs, ResourceTransformResult

FIELD_MANAGER = "quorate"
ANNOTATIONS = {
    # The provider would invent a name for each creation. A creation that was cut off is repeated: the object then has
    # two owners, and a field that the program drops stays because the first one still has it.
    "pulumi.com/patchFieldManager": FIELD_MANAGER,
    # Clusters made before the name above: the provider applies a change under the new name before it releases the old
    # one, and a changed value is a conflict between the two. May go when no such cluster lives.
    "pulumi.com/patchForce": "true",
}


def owned(args: ResourceTransformArgs) -> ResourceTransformResult | None:
    """Resource transform: each Kubernetes object below the resource that has it is applied by FIELD_MANAGER."""
    if not (args.custom and args.type_.startswith("kubernetes:")):
        return None
    metadata: Any = args.props.get("metadata") or {}
    annotations = {**ANNOTATIONS, **(metadata.get("annotations") or {})}
    return ResourceTransformResult({**args.props, "metadata": {**metadata, "annotations": annotations}}, args.opts)
