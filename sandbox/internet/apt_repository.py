"""Signed apt repositories: indexes over package files that are already in place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sandbox.internet.deb import ARCHITECTURE, Package
from sandbox.internet.signing import SigningKey


def write_flat(root: Path, packages: Mapping[Path, Package], key: SigningKey, label: str) -> None:
    """A repository without suites, `deb URL /`: indexes and the key beside each other, as pkgs.k8s.io has them."""
    index = _packages_index(root, packages)
    (root / "Packages").write_bytes(index)
    _sign(root, _release(label, {"Packages": index}), key)
    (root / "Release.key").write_bytes(key.public())


def write_suite(
    root: Path, suite: str, component: str, packages: Mapping[Path, Package], key: SigningKey, label: str
) -> None:
    """A suite of a repository with `dists` and `pool`, as Debian's own."""
    place = f"{component}/binary-{ARCHITECTURE}/Packages"
    index = _packages_index(root, packages)
    suite_root = root / "dists" / suite
    (suite_root / place).parent.mkdir(parents=True, exist_ok=True)
    (suite_root / place).write_bytes(index)
    _sign(suite_root, _release(label, {place: index}, suite, [component]), key)


def _packages_index(root: Path, packages: Mapping[Path, Package]) -> bytes:
    paragraphs = []
    for file, package in packages.items():
        content = file.read_bytes()
        paragraphs.append(
            package.control()
            + f"Filename: {file.relative_to(root)}\nSize: {len(content)}\n"
            + f"SHA256: {hashlib.sha256(content).hexdigest()}\n"
        )
    return "\n".join(paragraphs).encode()


def _release(label: str, indexes: Mapping[str, bytes], suite: str = "", components: Sequence[str] = ()) -> str:
    now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S UTC")
    lines = [f"Origin: {label}", f"Label: {label}", f"Date: {now}", f"Architectures: {ARCHITECTURE}"]
    if suite:
        lines += [f"Suite: {suite}", f"Codename: {suite}", f"Components: {' '.join(components)}"]
    lines.append("SHA256:")
    lines += [f" {hashlib.sha256(content).hexdigest()} {len(content)} {name}" for name, content in indexes.items()]
    return "\n".join(lines) + "\n"


def _sign(folder: Path, release: str, key: SigningKey) -> None:
    (folder / "Release").write_text(release)
    (folder / "InRelease").write_bytes(key.clear_sign(release.encode()))
    (folder / "Release.gpg").write_bytes(key.detached_signature(release.encode()))
