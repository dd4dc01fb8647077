"""YAML manifests as objects: what the SDK's yaml.ConfigFile and ConfigGroup ask for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import yaml

from sandbox.engine.kubernetes.objects import Kind, Object, kind_of, namespace_of, set_in


class ManifestError(ValueError):
    """A text that is no manifest."""


class _Loader(yaml.SafeLoader):
    """Timestamps stay text, as in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [entry for entry in resolvers if entry[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def decode(text: str, namespace: str, is_namespaced: Callable[[Kind], bool]) -> list[Object]:
    """The objects of all documents, lists taken apart; those without a namespace get `namespace`, if it isn't ""."""
    try:
        documents = list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        raise ManifestError(f"the manifest is not valid YAML: {error}") from None
    objects = [obj for document in documents if document is not None for obj in _objects(document)]
    for obj in objects:
        if namespace and not namespace_of(obj) and is_namespaced(kind_of(obj)):
            set_in(obj, namespace, "metadata", "namespace")
    return objects


def _objects(document: Any) -> Iterator[Object]:
    if not isinstance(document, dict) or not document.get("kind") or not document.get("apiVersion"):
        raise ManifestError("a document of the manifest has no apiVersion or no kind")
    if str(document["kind"]).endswith("List") and isinstance(document.get("items"), list):
        for item in document["items"]:
            yield from _objects(item)
    else:
        yield document
