"""Signed apt repositories over package files that are already in place; apt-ftparchive writes their indexes."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from sandbox.internet.deb import ARCHITECTURE
from sandbox.internet.signing import SigningKey


class RepositoryError(Exception):
    """apt-ftparchive could not write an index; the message has what it said."""


def write_flat(root: Path, key: SigningKey, label: str) -> None:
    """A repository without suites, `deb URL /`: indexes and the key beside each other, as pkgs.k8s.io has them."""
    (root / "Packages").write_bytes(_ftparchive(root, "packages", "."))
    _write_release(root, key, {"Origin": label, "Label": label, "Architectures": ARCHITECTURE})
    (root / "Release.key").write_bytes(key.public())


def write_suite(root: Path, suite: str, component: str, key: SigningKey, label: str) -> None:
    """A suite of a repository with `dists` and `pool`, as Debian's own."""
    suite_root = root / "dists" / suite
    index = suite_root / component / f"binary-{ARCHITECTURE}" / "Packages"
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_bytes(_ftparchive(root, "packages", f"dists/{suite}"))
    names = {"Origin": label, "Label": label, "Suite": suite, "Codename": suite, "Components": component}
    _write_release(suite_root, key, {**names, "Architectures": ARCHITECTURE})


def _write_release(folder: Path, key: SigningKey, fields: Mapping[str, str]) -> None:
    options = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in fields.items()]
    release = _ftparchive(folder, *options, "release", ".")
    (folder / "Release").write_bytes(release)
    (folder / "InRelease").write_bytes(key.clear_sign(release))
    (folder / "Release.gpg").write_bytes(key.detached_signature(release))


def _ftparchive(folder: Path, *arguments: str) -> bytes:
    outcome = subprocess.run(["apt-ftparchive", *arguments], cwd=folder, capture_output=True)
    if outcome.returncode:
        said = outcome.stderr.decode(errors="replace").strip()
        raise RepositoryError(f"`apt-ftparchive {' '.join(arguments)}` in {folder} failed:\n{said}")
    return outcome.stdout
