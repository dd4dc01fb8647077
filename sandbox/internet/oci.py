"""Container images as the files that a registry serves for them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.internet.archive import Entry, compress, write_tar
from sandbox.internet.deb import ARCHITECTURE

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+zstd"
_SEARCH_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Image:
    """One image with one layer. `name` has the registry's host in front; `user` is empty for root.

    `version` is that of its program, empty where it is made from what its tag names.
    """

    name: str
    tags: Sequence[str]
    entries: Sequence[Entry]
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    user: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    version: str = ""

    @property
    def references(self) -> list[str]:
        return [f"{self.name}:{tag}" for tag in self.tags]

    @property
    def promising(self) -> list[str]:
        """References by tags of later versions than its program's."""
        own = _numbers(self.version)
        return [f"{self.name}:{tag}" for tag in self.tags if own and _numbers(tag) > own]


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version or tag begins with: `(3, 6, 11)` of `v3.6.11-0`."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    return tuple(int(number) for number in found.groups()) if found else ()


def publish(image: Image, site: Path) -> str:
    """Writes the image below `site`/HOST/v2/NAME and returns its manifest's digest."""
    host, _, name = image.name.partition("/")
    place = site / host / "v2" / name
    for part in ("blobs", "manifests"):
        (place / part).mkdir(parents=True, exist_ok=True)
    uncompressed, layer, layer_size = _write_layer(image, place)
    config = _json(_configuration(image, uncompressed))
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": _CONFIG_TYPE, "digest": _digest(config), "size": len(config)},
            "layers": [{"mediaType": _LAYER_TYPE, "digest": layer, "size": layer_size}],
        }
    )
    (place / "blobs" / _digest(config)).write_bytes(config)
    by_digest = place / "manifests" / _digest(manifest)
    by_digest.write_bytes(manifest)
    for tag in image.tags:
        tagged = place / "manifests" / tag
        tagged.unlink(missing_ok=True)
        os.link(by_digest, tagged)
    return _digest(manifest)


def _write_layer(image: Image, place: Path) -> tuple[str, str, int]:
    """Digest of the layer's tar, and digest and size of the compressed blob that is served."""
    with tempfile.TemporaryDirectory(dir=place) as work:
        tar = Path(work) / "layer.tar"
        with tar.open("wb") as output:
            write_tar(image.entries, output)
        uncompressed = _file_digest(tar)
        blob = compress(tar)
        digest, size = _file_digest(blob), blob.stat().st_size
        blob.rename(place / "blobs" / digest)
    return uncompressed, digest, size


def _configuration(image: Image, uncompressed: str) -> dict[str, object]:
    environment = [_SEARCH_PATH, *(f"{name}={value}" for name, value in image.environment.items())]
    run: dict[str, object] = {"Env": environment, "WorkingDir": "/"}
    said = {"Entrypoint": image.entrypoint, "Cmd": image.command, "User": image.user}
    run |= {key: list(value) if isinstance(value, tuple | list) else value for key, value in said.items() if value}
    return {
        "architecture": ARCHITECTURE,
        "os": "linux",
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": [uncompressed]},
    }


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _file_digest(path: Path) -> str:
    with path.open("rb") as content:
        return f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"
