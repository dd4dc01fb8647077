from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sandbox.image.trust import files_that_trust

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture
def authority(tmp_path: Path) -> bytes:
    options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test"]
    command = ["openssl", "req", *options, "-keyout", "key.pem", "-out", "ca.pem"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    return (tmp_path / "ca.pem").read_bytes()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    bundle = tmp_path / "tree" / BUNDLE.lstrip("/")
    bundle.parent.mkdir(parents=True)
    bundle.write_bytes(b"PUBLIC AUTHORITIES")
    return tmp_path / "tree"


def test_the_bundle_keeps_the_public_authorities_and_gains_one(tree: Path, authority: bytes) -> None:
    assert files_that_trust(tree, authority)[BUNDLE] == b"PUBLIC AUTHORITIES\n" + authority


def test_openssl_verifies_by_the_folder_alone(tree: Path, authority: bytes, tmp_path: Path) -> None:
    for name, content in files_that_trust(tree, authority).items():
        target = tmp_path / "machine" / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    folder = tmp_path / "machine/etc/ssl/certs"
    outcome = subprocess.run(
        ["openssl", "verify", "-no-CAfile", "-CApath", str(folder), str(tmp_path / "ca.pem")], capture_output=True
    )
    assert outcome.returncode == 0, outcome.stderr


def test_what_is_no_certificate_is_refused(tree: Path) -> None:
    with pytest.raises(ValueError, match="not a PEM certificate"):
        files_that_trust(tree, b"nonsense")
