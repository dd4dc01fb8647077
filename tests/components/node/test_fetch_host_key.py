"""fetch-host-key.sh against an instance-metadata service and a parameter store that check what real ones check."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from components.delivery.node_files import host_key_script

PARAMETER = "/quorate/education/control-plane-0/ssh-host-key"
METADATA_TOKEN = "metadata-token=="
KEYS = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "se/cret+key", "Token": "session/token+with=signs"}


@dataclass
class World:
    """The two services at one address; `failures` requests to the parameter store are refused before one succeeds."""

    private_key: str
    failures: int = 0
    requests: list[str] = field(default_factory=list)
    address: str = ""


def signature_of(request: AWSRequest, timestamp: str) -> str:
    signer = SigV4Auth(Credentials(KEYS["AccessKeyId"], KEYS["SecretAccessKey"]), "ssm", "eu-central-1")
    request.context["timestamp"] = timestamp
    canonical = signer.canonical_request(request)
    return str(signer.signature(signer.string_to_sign(request, canonical), request))


def handler(world: World) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            assert self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
            self.answer(200, METADATA_TOKEN)

        def do_GET(self) -> None:
            if self.headers["X-aws-ec2-metadata-token"] != METADATA_TOKEN:
                self.answer(401, "")
                return
            answers = {
                "/latest/meta-data/placement/region": "eu-central-1",
                "/latest/meta-data/iam/security-credentials/": "control-plane",
                "/latest/meta-data/iam/security-credentials/control-plane": json.dumps(KEYS),
            }
            self.answer(200 if self.path in answers else 404, answers.get(self.path, ""))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            world.requests.append(body)
            if world.failures > 0:
                world.failures -= 1
                self.answer(400, '{"__type": "AccessDeniedException"}')
                return
            if not self.signed_as_aws_checks_it(body):
                self.answer(400, '{"__type": "InvalidSignatureException"}')
                return
            assert json.loads(body) == {"Name": PARAMETER, "WithDecryption": True}
            self.answer(200, json.dumps({"Parameter": {"Name": PARAMETER, "Value": world.private_key}}))

        def signed_as_aws_checks_it(self, body: str) -> bool:
            fields = dict(
                part.strip().split("=", 1) for part in self.headers["Authorization"].split(" ", 1)[1].split(",")
            )
            signed = fields["SignedHeaders"].split(";")
            # AWS refuses a request with an x-amz header that is not signed.
            assert {name.lower() for name in self.headers if name.lower().startswith("x-amz-")} <= set(signed)
            request = AWSRequest("POST", f"{world.address}/", data=body)
            for name in signed:
                request.headers[name] = self.headers[name]
            return fields["Signature"] == signature_of(request, self.headers["X-Amz-Date"])

        def answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(tmp_path / "made")], check=True)
    world = World((tmp_path / "made").read_text())
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(world))
    world.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield world
    server.shutdown()
    server.server_close()


def fetch(world: World, folder: Path, seconds: int) -> subprocess.CompletedProcess[str]:
    proxies = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.run(
        ["bash", "-c", host_key_script(), "fetch-host-key", PARAMETER],
        capture_output=True, text=True, timeout=60,
        env={
            **proxies,
            "METADATA": f"{world.address}/latest",
            "SSM_ENDPOINT": world.address,
            "HOST_KEY": str(folder / "ssh_host_ed25519_key"),
            "FETCH_SECONDS": str(seconds),
        },
    )  # fmt: skip


@pytest.fixture
def ssh_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "ssh"
    folder.mkdir()
    (folder / "ssh_host_rsa_key").write_text("made by the image")
    return folder


def test_the_key_is_installed_alone_readable_by_root_alone_and_signed_as_aws_wants(
    world: World, ssh_folder: Path
) -> None:
    outcome = fetch(world, ssh_folder, seconds=10)
    assert outcome.returncode == 0, outcome.stderr
    assert sorted(p.name for p in ssh_folder.iterdir()) == ["ssh_host_ed25519_key", "ssh_host_ed25519_key.pub"]
    key = ssh_folder / "ssh_host_ed25519_key"
    assert key.read_text() == world.private_key
    assert oct(key.stat().st_mode)[-3:] == "600"
    assert (ssh_folder / "ssh_host_ed25519_key.pub").read_text().startswith("ssh-ed25519 AAAA")


def test_a_role_that_is_not_ready_yet_is_tried_again(world: World, ssh_folder: Path) -> None:
    world.failures = 1
    assert fetch(world, ssh_folder, seconds=20).returncode == 0
    assert len(world.requests) == 2


def test_without_its_key_the_machine_gets_none_and_the_reason_is_told(world: World, ssh_folder: Path) -> None:
    world.failures = 1000
    outcome = fetch(world, ssh_folder, seconds=0)
    assert outcome.returncode == 1
    assert "sshd stays closed" in outcome.stderr
    assert "400" in outcome.stderr
    assert not (ssh_folder / "ssh_host_ed25519_key").exists()


def test_no_credential_is_printed(world: World, ssh_folder: Path) -> None:
    outcome = fetch(world, ssh_folder, seconds=10)
    for secret in (KEYS["SecretAccessKey"], KEYS["Token"], METADATA_TOKEN, "PRIVATE KEY"):
        assert secret not in outcome.stdout + outcome.stderr
