"""A machine boots from the image: systemd, cloud-init, SSH, with instance metadata as the only thing it is told."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import image
from sandbox.cloud import namespace
from sandbox.cloud.machines import Machines
from sandbox.cloud.metadata import Identity, MetadataService
from sandbox.image.trust import files_that_trust

pytestmark = pytest.mark.cluster

NETWORK = "quorate-test-image"
ADDRESS = "10.99.0.10"
INSTANCE = "i-0fedcba9876543210"
BOOT_SECONDS = 60

USER_DATA = b"""#cloud-config
write_files:
  - path: /etc/quorate/from-user-data
    content: told by user data
runcmd:
  - [touch, /run/from-runcmd]
"""


@dataclass(frozen=True)
class Machine:
    machines: Machines
    key: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in the machine, as root."""
        runc = ("runc", "--root", str(self.machines.runc_root), "exec", INSTANCE)
        return subprocess.run([*runc, *command], capture_output=True, text=True)

    def ssh(self, command: str) -> subprocess.CompletedProcess[str]:
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "LogLevel=ERROR")
        return subprocess.run(
            ["ip", "netns", "exec", NETWORK, "ssh", *(f"-o{o}" for o in options), "-i", str(self.key),
             f"admin@{ADDRESS}", command],
            capture_output=True, text=True,
        )  # fmt: skip

    def wait_for(self, *command: str) -> str:
        deadline = time.monotonic() + BOOT_SECONDS
        while True:
            outcome = self.run(*command)
            if outcome.returncode == 0:
                return outcome.stdout.strip()
            assert time.monotonic() < deadline, f"{command}: {outcome.stdout}{outcome.stderr}"
            time.sleep(0.2)


def certificate(folder: Path) -> bytes:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-subj", "/CN=sandbox test authority", "-keyout", "ca.key", "-out", "ca.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return (folder / "ca.pem").read_bytes()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("machine")
    tree = image.ensure()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")], check=True)
    public_key = (folder / "key.pub").read_text().strip()
    namespace.create(NETWORK)
    ip = ("ip", "-n", NETWORK)
    namespace.run(*ip, "link", "add", "eth0", "type", "veth", "peer", "name", "peer0")
    namespace.run(*ip, "address", "add", f"{ADDRESS}/24", "dev", "eth0")
    namespace.run(*ip, "address", "add", "169.254.169.254/32", "dev", "lo")
    for link in ("eth0", "peer0"):
        namespace.run(*ip, "link", "set", link, "up")
    identity = Identity(
        instance_id=INSTANCE,
        metadata={
            "instance-id": INSTANCE,
            "local-ipv4": ADDRESS,
            "local-hostname": "ip-10-99-0-10.ec2.internal",
            "placement": {"availability-zone": "eu-central-1a", "region": "eu-central-1"},
            "public-keys": {"0=operator": {"openssh-key": public_key}},
        },
        user_data=USER_DATA,
        document={"instanceId": INSTANCE, "region": "eu-central-1"},
        token_required=True,
        hop_limit=2,
        role=None,
    )
    service = MetadataService(
        namespace.listening_socket(NETWORK, "169.254.169.254", 80), lambda _: identity, lambda *_: {}
    )
    service.start()
    machines = Machines(disks=folder / "machines", image=tree)
    files = files_that_trust(tree, certificate(folder)) | {
        "/etc/hostname": b"ip-10-99-0-10\n",
        "/etc/resolv.conf": b"nameserver 169.254.169.253\n",
    }
    machines.start(INSTANCE, "ip-10-99-0-10", NETWORK, files)
    try:
        booted = Machine(machines, folder / "key")
        booted.wait_for("test", "-e", "/run/cloud-init/result.json")
        yield booted
    finally:
        machines.terminate(INSTANCE)
        service.stop()
        namespace.delete(NETWORK)


def test_systemd_reaches_running_with_no_failed_unit(machine: Machine) -> None:
    assert machine.wait_for("systemctl", "is-system-running") == "running"
    assert machine.run("systemctl", "--failed", "--quiet", "--no-legend").stdout == ""


def test_cloud_init_finds_the_ec2_data_source_without_an_error(machine: Machine) -> None:
    result = machine.run("cat", "/run/cloud-init/result.json").stdout
    assert '"errors": []' in result
    assert "DataSourceEc2" in result


def test_user_data_is_carried_out(machine: Machine) -> None:
    assert machine.run("cat", "/etc/quorate/from-user-data").stdout.strip() == "told by user data"
    assert machine.run("test", "-e", "/run/from-runcmd").returncode == 0


def test_admin_logs_in_by_the_instances_key_and_may_become_root(machine: Machine) -> None:
    outcome = machine.ssh("id -un && sudo -n id -un && hostname")
    assert outcome.stdout.split() == ["admin", "root", "ip-10-99-0-10"], outcome.stderr


def test_apt_update_succeeds_without_a_repository(machine: Machine) -> None:
    started = time.monotonic()
    outcome = machine.run("apt-get", "-qq", "update")
    assert outcome.returncode == 0, outcome.stderr
    assert time.monotonic() - started < 5


def test_certificates_of_the_sandbox_verify_for_openssl_and_the_bundle(machine: Machine) -> None:
    path = "/usr/local/share/ca-certificates/quorate-sandbox.crt"
    by_directory = machine.run("openssl", "verify", "-CApath", "/etc/ssl/certs", path)
    by_bundle = machine.run("openssl", "verify", "-CAfile", "/etc/ssl/certs/ca-certificates.crt", path)
    assert by_directory.stdout.endswith("OK\n"), by_directory.stderr
    assert by_bundle.stdout.endswith("OK\n"), by_bundle.stderr


def test_the_machine_has_an_identity_of_its_own(machine: Machine) -> None:
    assert len(machine.run("cat", "/etc/machine-id").stdout.strip()) == 32
    assert not list((machine.machines.image / "etc/ssh").glob("ssh_host_*"))
    assert "ssh_host_ed25519_key" in machine.run("ls", "/etc/ssh").stdout
