"""What GetSchema answers: the provider's arguments. Kinds come from the cluster and are in no schema here."""

from __future__ import annotations

import json

from sandbox.engine.kubernetes.settings import argument_types


def schema(version: str) -> str:
    """A Pulumi package schema without resources."""
    properties = {name: {"type": kind} for name, kind in argument_types().items()}
    return json.dumps(
        {
            "name": "kubernetes",
            "version": version,
            "description": (
                "A stand-in for pulumi-kubernetes that serves any kind of a cluster by its discovery. "
                "Helm, kustomize and YAML components are not served."
            ),
            "provider": {"inputProperties": properties},
            "resources": {},
            "functions": {
                "kubernetes:yaml:decode": {
                    "inputs": {
                        "properties": {"text": {"type": "string"}, "defaultNamespace": {"type": "string"}},
                        "required": ["text"],
                    },
                    "outputs": {
                        "properties": {"result": {"type": "array", "items": {"$ref": "pulumi.json#/Any"}}},
                        "required": ["result"],
                    },
                }
            },
        }
    )
