"""A certificate authority, and HTTPS servers on loopback with its certificates."""

from __future__ import annotations

import functools
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def copy_authority(folder: Path) -> None:
    """ca.crt and ca.key in `folder`, the same in all tests of a process."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in _authority().items():
        (folder / name).write_bytes(data)


@functools.cache
def _authority() -> Mapping[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        make_authority(Path(folder))
        return {name: (Path(folder) / name).read_bytes() for name in ("ca.crt", "ca.key")}


def make_authority(folder: Path) -> None:
    """ca.crt and ca.key in `folder`, of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    openssl("req", "-x509", *_NEW_KEY, "-days", "2", "-subj", "/CN=test-ca",
            "-addext", "keyUsage = critical, keyCertSign, digitalSignature",
            "-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.crt"))  # fmt: skip


def issue(authority: Path, certificate: Path, names: str) -> None:
    """`certificate`, with its key beside it, for `names` as openssl writes them: `DNS:api.test, IP:127.0.0.1`."""
    key, request, extensions = (certificate.with_suffix(suffix) for suffix in (".key", ".csr", ".extensions"))
    extensions.write_text(
        f"subjectAltName = {names}\nextendedKeyUsage = serverAuth, clientAuth\nauthorityKeyIdentifier = keyid\n"
    )
    openssl("req", *_NEW_KEY, "-subj", "/CN=server", "-keyout", str(key), "-out", str(request))
    openssl("x509", "-req", "-in", str(request), "-out", str(certificate), "-days", "2", "-extfile", str(extensions),
            "-CA", str(authority / "ca.crt"), "-CAkey", str(authority / "ca.key"))  # fmt: skip


@contextmanager
def https_server(certificate: Path, status: int, text: str = "ok") -> Iterator[int]:
    """Answers every GET alike. Gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
