"""The real containerd asks mirrors, in their order and where their API is, and then the registry itself."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from components.delivery.registry_mirrors import FOLDER, registry_mirror_files
from components.settings.model import ContainerSettings, RegistryMirrors
from tests.components.node.tls import issue, make_authority
from tests.sandbox_cli import binary

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="containerd needs root"),
]
REGISTRY = "registry.test.invalid"
# What pulls an image needs none of these, and a host need not have what they ask for.
_WITHOUT = (
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
    "io.containerd.grpc.v1.cri",
    "io.containerd.nri.v1.nri",
)


@contextmanager
def mirror(certificate: Path, asked: list[str]) -> Iterator[int]:
    """One that has no image, and notes what it is asked for. Gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@contextmanager
def containerd(folder: Path, authority: Path) -> Iterator[list[str]]:
    """Runs in `folder` and trusts `authority`. Gives the command line of its client."""
    program, socket = binary("containerd", "containerd"), folder / "containerd.sock"
    configuration = folder / "config.toml"
    configuration.write_text(
        f'version = 3\nroot = "{folder}/root"\nstate = "{folder}/state"\ndisabled_plugins = {json.dumps(_WITHOUT)}\n'
        f'[grpc]\naddress = "{socket}"\n[ttrpc]\naddress = "{folder}/ttrpc.sock"\n'
    )
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [program, "--config", configuration],
            stdout=log,
            stderr=log,
            env={**os.environ, "SSL_CERT_FILE": str(authority)},
        )
    client = [str(program.with_name("ctr")), "--address", str(socket)]
    try:
        deadline = time.monotonic() + 60
        while subprocess.run([*client, "version"], capture_output=True).returncode:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
        yield client
    finally:
        process.terminate()
        process.wait(30)


def test_mirrors_are_asked_in_their_order_where_their_api_is_and_then_the_registry(tmp_path: Path) -> None:
    make_authority(tmp_path / "pki")
    issue(tmp_path / "pki", tmp_path / "mirror.crt", "DNS:localhost")
    asked: list[str] = []
    with mirror(tmp_path / "mirror.crt", asked) as port, containerd(tmp_path, tmp_path / "pki/ca.crt") as client:
        endpoints = tuple(f"https://localhost:{port}{path}" for path in ("/v2/proxy", "/hub", ""))
        (file,) = registry_mirror_files(ContainerSettings((RegistryMirrors(REGISTRY, endpoints),)))
        hosts = tmp_path / "delivered" / file.path.removeprefix(f"{FOLDER}/")
        hosts.parent.mkdir(parents=True)
        hosts.write_text(file.content)
        # As a machine has it.
        (tmp_path / "certs.d").mkdir()
        (tmp_path / "certs.d" / REGISTRY).symlink_to(hosts.parent)

        def pull() -> str:
            asked.clear()
            command = [*client, "images", "pull", "--hosts-dir", str(tmp_path / "certs.d"), f"{REGISTRY}/pause:3.10"]
            return subprocess.run(command, capture_output=True, text=True, timeout=120).stderr

        pull()
        question = f"/pause/manifests/3.10?ns={REGISTRY}"
        assert asked == [f"/v2/proxy{question}", f"/hub/v2{question}", f"/v2{question}"]
        assert f"https://{REGISTRY}/v2/pause/manifests/3.10" in (tmp_path / "log").read_text()
        hosts.unlink()
        assert f"https://{REGISTRY}/v2/pause/manifests/3.10" in pull(), "a folder of a mirror that is gone says nothing"
        assert asked == []
