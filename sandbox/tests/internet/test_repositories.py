from __future__ import annotations

import dataclasses
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.internet import apt_repository, deb
from sandbox.internet.archive import Entry, folder, program
from sandbox.internet.deb import Package
from sandbox.internet.signing import SigningKey

NEEDED = ("apt-ftparchive", "dpkg-deb", "gpg", "gpg-agent", "gpgv")
pytestmark = pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}")

TOOL = Package(
    "tool",
    "1.2.3-1.1",
    "A tool",
    [program("usr/bin/tool", b"#!/bin/true\n"), Entry("etc/tool.conf", b"x\n"), folder("var/lib/tool")],
    depends=["libc6 (>= 2.34)", "other"],
    provides=["thing"],
    conflicts=["thing"],
    conffiles=["/etc/tool.conf"],
    scripts={"postinst": "#!/bin/sh\nexit 0\n"},
)


def said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def field(file: Path, name: str) -> str:
    return said("dpkg-deb", "--field", str(file), name).strip()


def test_dpkg_reads_the_packages_fields(tmp_path: Path) -> None:
    file = deb.build(TOOL, tmp_path)
    assert file.name == "tool_1.2.3-1.1_amd64.deb"
    assert (field(file, "Package"), field(file, "Version")) == ("tool", "1.2.3-1.1")
    assert field(file, "Depends") == "libc6 (>= 2.34), other"
    assert field(file, "Replaces") == field(file, "Conflicts") == field(file, "Provides") == "thing"


def test_dpkg_unpacks_files_with_their_modes(tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "--raw-extract", deb.build(TOOL, tmp_path), tmp_path / "out"], check=True)
    tool = tmp_path / "out/usr/bin/tool"
    assert (tool.read_bytes(), tool.stat().st_mode & 0o777) == (b"#!/bin/true\n", 0o755)
    assert (tmp_path / "out/etc/tool.conf").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "out/var/lib/tool").is_dir()
    assert (tmp_path / "out/DEBIAN/conffiles").read_text() == "/etc/tool.conf\n"
    assert (tmp_path / "out/DEBIAN/postinst").stat().st_mode & 0o111


def test_the_same_content_gives_the_same_package(tmp_path: Path) -> None:
    first, second = deb.build(TOOL, tmp_path / "a"), deb.build(TOOL, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


def test_what_dpkg_deb_refuses_is_an_error_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(deb.PackageError, match=r"tool: dpkg-deb ended with 2:[^$]*'no version'"):
        deb.build(dataclasses.replace(TOOL, version="no version"), tmp_path)


@pytest.fixture(scope="module")
def key() -> Iterator[SigningKey]:
    with SigningKey("test <test@quorate.invalid>") as key:
        yield key


def verify(key: SigningKey, work: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    """Verifies as apt does: with gpgv and the dearmored public key."""
    (work / "key.asc").write_bytes(key.public())
    said("gpg", "--batch", "--yes", "--output", str(work / "key.gpg"), "--dearmor", str(work / "key.asc"))
    command = ["gpgv", "--keyring", str(work / "key.gpg"), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_flat_repositorys_index_is_signed_and_has_the_files_digest(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "repository"
    file = deb.build(TOOL, root / "amd64")
    apt_repository.write_flat(root, key, "test")
    index = (root / "Packages").read_bytes()
    assert f"Filename: ./amd64/{file.name}\n".encode() in index
    assert f"SHA256: {hashlib.sha256(file.read_bytes()).hexdigest()}".encode() in index
    listed = [line.split() for line in (root / "Release").read_text().splitlines()]
    assert [hashlib.sha256(index).hexdigest(), str(len(index)), "Packages"] in listed
    assert verify(key, tmp_path, root / "InRelease").returncode == 0
    assert verify(key, tmp_path, root / "Release.gpg", root / "Release").returncode == 0


def test_a_changed_release_file_does_not_verify(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "repository"
    deb.build(TOOL, root)
    apt_repository.write_flat(root, key, "test")
    (root / "InRelease").write_text((root / "InRelease").read_text().replace("Label: test", "Label: evil"))
    assert verify(key, tmp_path, root / "InRelease").returncode != 0


def test_a_suite_names_its_component_and_finds_the_pool_from_the_root(tmp_path: Path, key: SigningKey) -> None:
    file = deb.build(TOOL, tmp_path / "dists/bookworm/pool/stable/amd64")
    apt_repository.write_suite(tmp_path, "bookworm", "stable", key, "test")
    release = (tmp_path / "dists/bookworm/Release").read_text()
    assert {"Suite: bookworm", "Codename: bookworm", "Components: stable"} <= set(release.splitlines())
    assert " stable/binary-amd64/Packages\n" in release
    index = (tmp_path / "dists/bookworm/stable/binary-amd64/Packages").read_text()
    assert f"Filename: dists/bookworm/pool/stable/amd64/{file.name}\n" in index


def test_the_secret_key_is_gone_after_use() -> None:
    with SigningKey("gone <gone@quorate.invalid>") as key:
        home = Path(key._home)
        assert home.is_dir()
    assert not home.exists()
