from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from sandbox.internet import registry
from sandbox.internet.archive import Entry, program
from sandbox.internet.oci import MANIFEST_TYPE, Image, publish

pytestmark = pytest.mark.skipif(shutil.which("zstd") is None, reason="needs zstd")

IMAGE = Image(
    "registry.example/group/tool",
    ["1.0", "latest"],
    [program("usr/bin/tool", b"#!/bin/true\n"), Entry("bin", target="usr/bin")],
    entrypoint=("/usr/bin/tool",),
    user="65532:65532",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    publish(IMAGE, tmp_path)
    return tmp_path / "registry.example"


def found(root: Path, path: str) -> registry.Found:
    answer = registry.look_up(root, path)
    assert isinstance(answer, registry.Found), answer
    return answer


def problem(root: Path, path: str) -> str:
    answer = registry.look_up(root, path)
    assert isinstance(answer, registry.Answer)
    assert answer.status == 404
    return str(json.loads(answer.body)["errors"][0]["code"])


def test_a_manifest_is_the_same_by_tag_and_by_digest(root: Path) -> None:
    by_tag = found(root, "/v2/group/tool/manifests/1.0")
    digest = by_tag.digest
    assert by_tag.content_type == MANIFEST_TYPE
    assert digest == f"sha256:{hashlib.sha256(by_tag.file.read_bytes()).hexdigest()}"
    assert found(root, f"/v2/group/tool/manifests/{digest}").file.read_bytes() == by_tag.file.read_bytes()


def test_every_blob_has_the_digest_and_size_that_the_manifest_says(root: Path) -> None:
    manifest = json.loads(found(root, "/v2/group/tool/manifests/latest").file.read_bytes())
    for part in (manifest["config"], *manifest["layers"]):
        blob = found(root, f"/v2/group/tool/blobs/{part['digest']}").file.read_bytes()
        assert (len(blob), f"sha256:{hashlib.sha256(blob).hexdigest()}") == (part["size"], part["digest"])


def test_the_layer_unpacks_to_the_entries_and_matches_the_configurations_digest(root: Path, tmp_path: Path) -> None:
    manifest = json.loads(found(root, "/v2/group/tool/manifests/latest").file.read_bytes())
    config = json.loads(found(root, f"/v2/group/tool/blobs/{manifest['config']['digest']}").file.read_bytes())
    layer = found(root, f"/v2/group/tool/blobs/{manifest['layers'][0]['digest']}").file
    tar = subprocess.run(["zstd", "-dc", str(layer)], check=True, capture_output=True).stdout
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(tar).hexdigest()}"]
    assert (config["config"]["Entrypoint"], config["config"]["User"]) == (["/usr/bin/tool"], "65532:65532")
    (tmp_path / "layer.tar").write_bytes(tar)
    with tarfile.open(tmp_path / "layer.tar") as archive:
        modes = {item.name: (item.type, item.mode) for item in archive}
    assert modes == {
        "bin": (tarfile.SYMTYPE, 0o777),
        "usr": (tarfile.DIRTYPE, 0o755),
        "usr/bin": (tarfile.DIRTYPE, 0o755),
        "usr/bin/tool": (tarfile.REGTYPE, 0o755),
    }


def test_the_same_image_has_the_same_digest_again(tmp_path: Path) -> None:
    assert publish(IMAGE, tmp_path / "a") == publish(IMAGE, tmp_path / "b")


def test_tags_are_listed_without_digests(root: Path) -> None:
    answer = registry.look_up(root, "/v2/group/tool/tags/list")
    assert isinstance(answer, registry.Answer)
    assert json.loads(answer.body) == {"name": "group/tool", "tags": ["1.0", "latest"]}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v2/group/tool/manifests/2.0", "MANIFEST_UNKNOWN"),
        ("/v2/group/tool/blobs/sha256:00", "BLOB_UNKNOWN"),
        ("/v2/group/other/manifests/1.0", "NAME_UNKNOWN"),
        ("/v2/group/tool/blobs/../manifests/1.0", "UNSUPPORTED"),
        ("/v2/group/../../secret/manifests/1.0", "UNSUPPORTED"),
        ("/v2/_catalog", "UNSUPPORTED"),
    ],
)
def test_what_is_not_there_has_the_registrys_own_error_code(root: Path, path: str, code: str) -> None:
    assert problem(root, path) == code


def test_the_registry_says_that_it_is_one(root: Path) -> None:
    assert registry.look_up(root, "/v2/") == registry.Answer(200, b"{}")
