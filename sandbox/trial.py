"""One machine by itself, in a network of its own without a region: for tests of the image and of what it downloads."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.cloud import namespace
from sandbox.cloud.addresses import INTERNET_ADDRESS, METADATA_ADDRESS
from sandbox.cloud.api.certificates import CertificateAuthority
from sandbox.cloud.api.tls_front import TlsFront
from sandbox.cloud.machines import Machines
from sandbox.cloud.metadata import Identity, MetadataService
from sandbox.image.resolver import files_that_ask
from sandbox.image.trust import files_that_trust
from sandbox.internet.site import make_server

NETWORK = "quorate-trial"
ADDRESS = "10.20.0.10"
INSTANCE = "i-0fedcba9876543210"
HOSTNAME = "ip-10-20-0-10"
_BOOT_SECONDS = 60


@dataclass(frozen=True)
class TrialMachine:
    """A machine whose cloud-init has finished. `key` is the private key that the user `admin` logs in with."""

    machines: Machines
    key: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in the machine as root, whether it succeeds or not."""
        return subprocess.run(self.machines.inside(INSTANCE, *command), capture_output=True, text=True)

    def check(self, *command: str) -> str:
        """Standard output of a command that must succeed. Raises AssertionError with what it said."""
        outcome = self.run(*command)
        assert outcome.returncode == 0, f"{command}: {outcome.stdout}{outcome.stderr}"
        return outcome.stdout.strip()

    def wait_for(self, *command: str) -> str:
        """Repeats a command until it succeeds. Raises AssertionError with its last answer after a deadline."""
        deadline = time.monotonic() + _BOOT_SECONDS
        while (outcome := self.run(*command)).returncode:
            assert time.monotonic() < deadline, f"{command}: {outcome.stdout}{outcome.stderr}"
            time.sleep(0.1)
        return outcome.stdout.strip()

    def ssh(self, command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command as `admin` over SSH. The host key is made for this trial: there is none to compare with."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "LogLevel=ERROR")
        client = ["ssh", *(f"-o{option}" for option in options), "-i", str(self.key), f"admin@{ADDRESS}", command]
        return subprocess.run(["ip", "netns", "exec", NETWORK, *client], capture_output=True, text=True)


@contextmanager
def booted(
    folder: Path, tree: Path, site: Path, user_data: bytes = b"", say: Callable[[str], None] = print
) -> Iterator[TrialMachine]:
    """Boots a machine of the image `tree` in `folder`, which gets `site` as its internet; ends it afterwards."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")], check=True)
    authority = CertificateAuthority(folder / "ca")
    _connect()
    metadata = MetadataService(
        namespace.listening_socket(NETWORK, METADATA_ADDRESS, 80),
        lambda _: _identity((folder / "key.pub").read_text().strip(), user_data),
        lambda *_: {},
    )
    metadata.start()
    # The site listens outside, as under the supervisor: the front accepts in the network and connects from the host's.
    plain = make_server(socket.create_server(("127.0.0.1", 0), backlog=128), site, say)
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    port = plain.socket.getsockname()[1]
    listener = namespace.listening_socket(NETWORK, INTERNET_ADDRESS, 443)
    front = TlsFront(listener, authority, lambda _: ("127.0.0.1", port), say)
    front.start()
    machines = Machines(disks=folder / "machines", image=tree)
    try:
        files = {
            **files_that_trust(tree, authority.certificate_pem),
            # Nothing listens there, which the client learns at once; a silent resolver costs seconds a question.
            **files_that_ask(INTERNET_ADDRESS),
            "/etc/hostname": f"{HOSTNAME}\n".encode(),
        }
        machines.start(INSTANCE, HOSTNAME, NETWORK, files)
        machine = TrialMachine(machines, folder / "key")
        machine.wait_for("test", "-e", "/run/cloud-init/result.json")
        names = " ".join(sorted(path.name for path in site.iterdir()))
        machine.check("sh", "-c", f"echo {INTERNET_ADDRESS} {names} >>/etc/hosts")
        yield machine
    finally:
        machines.terminate(INSTANCE)
        front.stop()
        plain.shutdown()
        metadata.stop()
        namespace.delete(NETWORK)


def _connect() -> None:
    # A trial that was killed has left its own.
    namespace.delete(NETWORK)
    namespace.create(NETWORK)
    ip = ("ip", "-n", NETWORK)
    namespace.run(*ip, "link", "add", "eth0", "type", "veth", "peer", "name", "peer0")
    namespace.run(*ip, "address", "add", f"{ADDRESS}/24", "dev", "eth0")
    for address in (METADATA_ADDRESS, INTERNET_ADDRESS):
        namespace.run(*ip, "address", "add", f"{address}/32", "dev", "lo")
    for link in ("eth0", "peer0"):
        namespace.run(*ip, "link", "set", link, "up")
    namespace.run(*ip, "route", "add", "default", "via", "10.20.0.1")


def _identity(public_key: str, user_data: bytes) -> Identity:
    return Identity(
        instance_id=INSTANCE,
        metadata={
            "instance-id": INSTANCE,
            "local-ipv4": ADDRESS,
            "local-hostname": f"{HOSTNAME}.ec2.internal",
            "placement": {"availability-zone": "eu-central-1a", "region": "eu-central-1"},
            "public-keys": {"0=trial": {"openssh-key": public_key}},
        },
        user_data=user_data,
        document={"instanceId": INSTANCE, "region": "eu-central-1"},
        token_required=True,
        hop_limit=2,
        role=None,
    )
