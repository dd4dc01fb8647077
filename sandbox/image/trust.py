"""Making one machine trust the sandbox's certificate authority. The authority is the sandbox's, the image is shared."""

from __future__ import annotations

import subprocess
from pathlib import Path

_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_SOURCE = "/usr/local/share/ca-certificates/quorate-sandbox.crt"
_LINK = "/etc/ssl/certs/quorate-sandbox.pem"


def files_that_trust(tree: Path, ca_pem: bytes) -> dict[str, bytes]:
    """Files, by path in the machine, with which a machine of the image `tree` trusts `ca_pem`.

    They are what update-ca-certificates would write, so that running it later changes nothing. Made anew from the
    image each time: laying them over a disk twice adds nothing.
    """
    bundle = (tree / _BUNDLE.lstrip("/")).read_bytes()
    hash_name = _openssl_hash(ca_pem)
    return {
        _SOURCE: ca_pem,
        _LINK: ca_pem,
        f"/etc/ssl/certs/{hash_name}.0": ca_pem,
        _BUNDLE: bundle + (b"" if bundle.endswith(b"\n") else b"\n") + ca_pem,
    }


def _openssl_hash(ca_pem: bytes) -> str:
    """The name by which OpenSSL looks a certificate up in a directory."""
    command = ["openssl", "x509", "-noout", "-subject_hash"]
    outcome = subprocess.run(command, input=ca_pem, capture_output=True)
    if outcome.returncode:
        raise ValueError(f"not a PEM certificate: {outcome.stderr.decode(errors='replace').strip()}")
    return outcome.stdout.decode().strip()
