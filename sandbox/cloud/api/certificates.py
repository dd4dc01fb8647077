"""The sandbox's certificate authority, and leaf certificates for the host names that it answers for."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

import trustme


class CertificateAuthority:
    """Made once in `folder` and loaded afterwards; its key is readable by its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.certificate_path, key_path = folder / "ca.pem", folder / "ca.key"
        if not (self.certificate_path.exists() and key_path.exists()):
            made = trustme.CA(path_length=0, organization_unit_name="quorate sandbox CA")
            key_path.touch(mode=0o600)
            key_path.write_bytes(made.private_key_pem.bytes())
            self.certificate_path.write_bytes(made.cert_pem.bytes())
        self._authority = trustme.CA.from_pem(self.certificate_pem, key_path.read_bytes())

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate_path.read_bytes()

    def server_context(self, host: str) -> ssl.SSLContext:
        """A TLS server context whose certificate is for `host`."""
        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._authority.issue_cert(host).configure_cert(context)
                context.set_alpn_protocols(["http/1.1"])
            return self._contexts[host]
