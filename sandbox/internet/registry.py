"""The read side of the OCI distribution protocol over the files that `oci.publish` writes (no server here)."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from sandbox.internet.oci import MANIFEST_TYPE

API_VERSION = {"Docker-Distribution-API-Version": "registry/2.0"}
_NAME = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
_RESOURCE = re.compile(
    rf"/v2/(?P<name>{_NAME})/(?P<kind>manifests|blobs|tags)/(?P<reference>[A-Za-z0-9_][\w.:-]{{0,150}})"
)


@dataclass(frozen=True)
class Found:
    """A file to serve, and what its headers say of it."""

    file: Path
    content_type: str
    digest: str


@dataclass(frozen=True)
class Answer:
    """A finished answer: JSON."""

    status: int
    body: bytes


def look_up(root: Path, path: str) -> Found | Answer:
    """What the registry whose files are in `root` answers to a path that begins with /v2/."""
    if path == "/v2/":
        return Answer(200, b"{}")
    asked = _RESOURCE.fullmatch(path)
    if asked is None:
        return _problem("UNSUPPORTED", f"not a path that this registry serves: {path}")
    name, kind, reference = asked["name"], asked["kind"], asked["reference"]
    repository = root / "v2" / name
    if not (repository / "manifests").is_dir():
        return _problem("NAME_UNKNOWN", f"repository {name} is not known to this registry")
    if kind == "tags":
        return _tags(repository, name) if reference == "list" else _problem("UNSUPPORTED", path)
    file = repository / kind / reference
    if not file.is_file():
        return _problem(
            "MANIFEST_UNKNOWN" if kind == "manifests" else "BLOB_UNKNOWN", f"{name} has no {kind[:-1]} {reference}"
        )
    if kind == "blobs":
        return Found(file, "application/octet-stream", reference)
    return Found(file, MANIFEST_TYPE, f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}")


def _tags(repository: Path, name: str) -> Answer:
    tags = sorted(path.name for path in (repository / "manifests").iterdir() if ":" not in path.name)
    return Answer(200, json.dumps({"name": name, "tags": tags}).encode())


def _problem(code: str, message: str) -> Answer:
    return Answer(404, json.dumps({"errors": [{"code": code, "message": message}]}).encode())
