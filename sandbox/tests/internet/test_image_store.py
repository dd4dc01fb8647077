from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from sandbox.internet import oci
from sandbox.internet.archive import program
from sandbox.internet.image_store import references, store_of, write_archive
from sandbox.internet.oci import Image


@pytest.fixture
def site(tmp_path: Path) -> Path:
    root = tmp_path / "internet-0123456789ab"
    oci.publish(Image("registry.example/some/tool", ["v1", "v2"], [program("tool", b"tool")]), root)
    oci.publish(Image("other.example/tool", ["v1"], [program("tool", b"tool")]), root)
    return root


def test_every_tag_is_a_reference(site: Path) -> None:
    assert [reference for reference, _ in references(site)] == [
        "other.example/tool:v1",
        "registry.example/some/tool:v1",
        "registry.example/some/tool:v2",
    ]


def test_the_archive_names_every_image_and_holds_each_blob_once(site: Path, tmp_path: Path) -> None:
    write_archive(site, tmp_path / "images.tar")
    with tarfile.open(tmp_path / "images.tar") as archive:
        names = archive.getnames()
        content = {name: file.read() for name in names if (file := archive.extractfile(name))}
    assert len(names) == len(set(names))
    index = json.loads(content["index.json"])
    assert {item["annotations"]["io.containerd.image.name"] for item in index["manifests"]} == {
        reference for reference, _ in references(site)
    }
    for item in index["manifests"]:
        manifest = json.loads(content[f"blobs/{item['digest'].replace(':', '/')}"])
        for part in (manifest["config"], *manifest["layers"]):
            assert len(content[f"blobs/{part['digest'].replace(':', '/')}"]) == part["size"]


def test_another_site_has_another_store(site: Path) -> None:
    assert store_of(site).name == "store-0123456789ab"
    assert store_of(site.with_name("internet-ba9876543210")) != store_of(site)
