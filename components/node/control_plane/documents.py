"""kubeadm's documents as they are on a machine: read, compared, asked. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# Not of the standard library, and there nevertheless: cloud-init depends on it, so every cloud image has it.
import yaml

from components.node.common.failure import Failure

Documents = Mapping[str, Mapping[str, Any]]


def read_documents(text: str, path: Path) -> Documents:
    """By kind. Raises Failure for text that is no such stream of documents; `path` is where it stands."""
    try:
        return {document["kind"]: document for document in yaml.safe_load_all(text) if document}
    except (yaml.YAMLError, KeyError, TypeError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise Failure(
            f"{path} does not hold kubeadm's documents ({reason}); somebody or something has "
            "changed the file. Restore it, then run pulumi up again"
        ) from error


def changed(kind: str, before: Documents, now: Documents) -> bool:
    return bool(before.get(kind) != now.get(kind))


def kubernetes_version(documents: Documents) -> str:
    """As `1.36.4`; empty where no document says it."""
    return str(documents.get("ClusterConfiguration", {}).get("kubernetesVersion", "")).removeprefix("v")


def certificate_names(documents: Documents) -> tuple[str, ...]:
    """The names and addresses that the API server's certificate has to be valid for."""
    return tuple(documents.get("ClusterConfiguration", {}).get("apiServer", {}).get("certSANs", ()))


def with_certificate_names(
    documents: Iterable[Mapping[str, Any]], names: Sequence[str], folder: str
) -> Iterator[Mapping[str, Any]]:
    """The documents with which kubeadm makes an API server's certificate for `names`, in `folder`."""
    for document in documents:
        if document and document.get("kind") == "ClusterConfiguration":
            server = {**document.get("apiServer", {}), "certSANs": list(names)}
            yield {**document, "apiServer": server, "certificatesDir": folder}
        elif document:
            yield document


def runs_ordinary_pods(documents: Documents) -> bool:
    """Whether the control plane has no taint: an empty list is kubeadm's way to say so, its absence means the taint."""
    taints = documents.get("InitConfiguration", {}).get("nodeRegistration", {}).get("taints")
    return bool(taints == [])


def changed_lines(before: str, now: str) -> Iterator[str]:
    """The lines that went, behind a `-`, and those that came, behind a `+`."""
    lines = difflib.unified_diff(before.splitlines(), now.splitlines(), n=0, lineterm="")
    for position, line in enumerate(lines):
        # The first two name the files.
        if position > 1 and not line.startswith("@@"):
            yield line
