"""An sshd of the test's own on a loopback port, and keys for it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", os.defpath))


@dataclass(frozen=True)
class Host:
    """Where the sshd listens, the private key that it lets in, and its own public key."""

    port: int
    user: str
    key: str
    public: str
    folder: Path

    def connection(self, **more: str) -> str:
        """Arguments of a ConnectionArgs, as Python source."""
        arguments = {
            "host": "'127.0.0.1'",
            "port": str(self.port),
            "user": repr(self.user),
            "private_key": f"pulumi.Output.secret({self.key!r})",
            "host_key": repr(self.public),
            **more,
        }
        return ", ".join(f"{name}={value}" for name, value in arguments.items())


def key_pair() -> tuple[str, str]:
    """(private, public) of a new key, both in OpenSSH's form."""
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private.decode(), public.decode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_sshd(folder: Path, port: int, user_key: str, host_private: str) -> subprocess.Popen[bytes]:
    """Starts an sshd that lets `user_key` in as the user who runs the tests. Returns at once."""
    assert SSHD is not None
    (folder / "host").write_text(host_private)
    (folder / "host").chmod(0o600)
    (folder / "authorized").write_text(user_key + "\n")
    settings = {
        "ListenAddress": f"127.0.0.1:{port}", "HostKey": folder / "host", "AuthorizedKeysFile": folder / "authorized",
        "StrictModes": "no", "UsePAM": "no", "PidFile": "none", "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password", "AcceptEnv": "ACCEPTED_* PULUMI_COMMAND_STDOUT",
        "Subsystem": "sftp internal-sftp", "LogLevel": "DEBUG1",
    }  # fmt: skip
    (folder / "config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if os.geteuid() == 0:
        # sshd as root separates privileges, and wants this folder for it.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (folder / "log").open("ab") as log:
        return subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "config")], stderr=log, stdin=subprocess.DEVNULL)


def wait_for(port: int, log: Path, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError as problem:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no sshd on port {port} ({problem}):\n{log.read_text()}") from problem
            time.sleep(0.05)


@pytest.fixture
def new_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Host]]:
    """Starts sshds, each with a key of its own."""
    if SSHD is None:
        pytest.fail("there is no sshd: install openssh-server (it need not run)")
    started: list[subprocess.Popen[bytes]] = []

    def make() -> Host:
        folder = tmp_path_factory.mktemp("sshd")
        private, public = key_pair()
        host_private, host_public = key_pair()
        port = free_port()
        started.append(start_sshd(folder, port, public, host_private))
        wait_for(port, folder / "log")
        return Host(port, pwd.getpwuid(os.geteuid()).pw_name, private, host_public, folder)

    yield make
    for process in started:
        process.terminate()
        process.wait(10)


@pytest.fixture
def host(new_host: Callable[[], Host]) -> Host:
    return new_host()
