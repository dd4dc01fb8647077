"""The SSH host key, fetched as cloud-init's bootcmd does it: one text, and no file of this project on the machine."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.delivery.inline_program import host_key_program
from components.node.boot import host_key
from components.node.common.failure import Failure
from tests.components.node.aws_services import SECRETS, LocalAws, local_aws

PARAMETER = "/quorate/education/control-plane-0/ssh-host-key"
REFUSAL = (400, '{"__type": "AccessDeniedException"}')


@pytest.fixture(scope="module")
def private_key(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("key") / "made"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    return path.read_text()


@pytest.fixture
def aws(private_key: str) -> Iterator[LocalAws]:
    with local_aws() as aws:
        aws.parameters[PARAMETER] = private_key
        yield aws


@pytest.fixture
def ssh_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "ssh"
    folder.mkdir()
    (folder / "ssh_host_rsa_key").write_text("made by the image")
    (folder / "ssh_host_rsa_key.pub").write_text("made by the image")
    (folder / "sshd_config").write_text("")
    return folder


def impatient_program() -> str:
    """The program as machines get it, but for its waits: an attempt each 0.2 s, and 1 s for a key that is there."""
    text = host_key_program()
    for name, seconds in (("_TRY_EVERY_SECONDS", "0.2"), ("_KNOWN_SECONDS", "1")):
        text, changed = re.subn(rf"^{name} *=.*$", f"{name}={seconds}", text, flags=re.MULTILINE)
        assert changed == 1, name
    return text


def fetch(aws: LocalAws, folder: Path, seconds: int, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        # -I: nothing of this repository can be imported, as on a new machine.
        [sys.executable, "-I", "-c", impatient_program(), PARAMETER],
        capture_output=True, text=True, timeout=60, cwd=folder,
        env={
            **aws.environment,
            "PATH": os.environ["PATH"],
            # What the environment names as a proxy is not on the way to these services.
            "http_proxy": "http://127.0.0.1:1",
            "HOST_KEY": str(folder / "ssh_host_ed25519_key"),
            "FETCH_SECONDS": str(seconds),
            **environment,
        },
    )  # fmt: skip


def test_the_key_is_installed_alone_and_readable_for_root_alone(
    aws: LocalAws, ssh_folder: Path, private_key: str
) -> None:
    outcome = fetch(aws, ssh_folder, seconds=10)
    assert outcome.returncode == 0, outcome.stderr
    key, public = ssh_folder / "ssh_host_ed25519_key", ssh_folder / "ssh_host_ed25519_key.pub"
    assert sorted(ssh_folder.iterdir()) == [key, public, ssh_folder / "sshd_config"]
    assert key.read_text() == private_key
    assert key.stat().st_mode & 0o777 == 0o600
    assert public.read_text().startswith("ssh-ed25519 AAAA")
    assert public.stat().st_mode & 0o777 == 0o644


def test_a_later_boot_replaces_the_key_by_the_one_that_is_pinned_now(
    aws: LocalAws, ssh_folder: Path, private_key: str
) -> None:
    (ssh_folder / "ssh_host_ed25519_key").write_text("an earlier one")
    assert fetch(aws, ssh_folder, seconds=10).returncode == 0
    assert (ssh_folder / "ssh_host_ed25519_key").read_text() == private_key


def test_a_later_boot_does_not_wait_for_a_store_that_refuses(aws: LocalAws, ssh_folder: Path) -> None:
    (ssh_folder / "ssh_host_ed25519_key").write_text("an earlier one")
    aws.refusals = [REFUSAL, REFUSAL]
    outcome = fetch(aws, ssh_folder, seconds=300)
    assert outcome.returncode == 0
    assert len(aws.calls) == 1
    assert "the key of an earlier boot stays" in outcome.stderr
    assert "refused with 400: AccessDeniedException" in outcome.stderr
    assert (ssh_folder / "ssh_host_ed25519_key").read_text() == "an earlier one"


def test_a_later_boot_does_not_wait_for_a_store_that_is_silent(aws: LocalAws, ssh_folder: Path) -> None:
    (ssh_folder / "ssh_host_ed25519_key").write_text("an earlier one")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        outcome = fetch(aws, ssh_folder, seconds=300, SSM_ENDPOINT=address, METADATA=address)
    assert time.monotonic() - began < 20
    assert "the key of an earlier boot stays, unless /quorate/education/control-plane-0/" in outcome.stderr
    assert (ssh_folder / "ssh_host_ed25519_key").read_text() == "an earlier one"


def test_a_key_that_cloud_init_made_at_a_boot_without_ours_is_not_taken_for_it(
    aws: LocalAws, ssh_folder: Path, private_key: str
) -> None:
    aws.refusals = [REFUSAL]
    assert fetch(aws, ssh_folder, seconds=0).returncode == 1
    (ssh_folder / "ssh_host_ed25519_key").write_text("made by cloud-init")
    aws.refusals = [REFUSAL]
    assert fetch(aws, ssh_folder, seconds=20).returncode == 0
    assert (ssh_folder / "ssh_host_ed25519_key").read_text() == private_key
    assert not (ssh_folder / "sshd_not_to_be_run").exists(), "sshd opens again"


def test_a_role_that_is_not_ready_yet_is_tried_again(aws: LocalAws, ssh_folder: Path) -> None:
    aws.refusals = [REFUSAL]
    assert fetch(aws, ssh_folder, seconds=20).returncode == 0
    assert len(aws.calls) == 2


def test_without_its_key_the_machine_gets_none_and_the_reason_is_reported(aws: LocalAws, ssh_folder: Path) -> None:
    aws.refusals = [REFUSAL]
    outcome = fetch(aws, ssh_folder, seconds=0)
    assert outcome.returncode == 1
    assert "sshd stays closed" in outcome.stderr
    assert "refused with 400: AccessDeniedException" in outcome.stderr
    assert not (ssh_folder / "ssh_host_ed25519_key").exists()
    assert (ssh_folder / "sshd_not_to_be_run").exists(), "the condition of Debian's unit"


def test_no_credential_is_printed(aws: LocalAws, ssh_folder: Path) -> None:
    outcome = fetch(aws, ssh_folder, seconds=10)
    for secret in (*SECRETS, "PRIVATE KEY"):
        assert secret not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("text", ["none-yet", "-----BEGIN OPENSSH PRIVATE KEY-----\ncut off\n", ""])
def test_a_parameter_without_a_key_leaves_the_keys_that_are_there(text: str, ssh_folder: Path) -> None:
    before = {path: path.read_text() for path in ssh_folder.iterdir()}
    with pytest.raises(Failure, match="the parameter holds no SSH key"):
        host_key.install(text, ssh_folder / "ssh_host_ed25519_key")
    assert {path: path.read_text() for path in ssh_folder.iterdir()} == before


def test_a_half_written_key_of_an_earlier_boot_is_in_nobodys_way(ssh_folder: Path, private_key: str) -> None:
    (ssh_folder / "ssh_host_ed25519_key.new").write_text("half")
    (ssh_folder / "ssh_host_ed25519_key.new").chmod(0o644)
    host_key.install(private_key, ssh_folder / "ssh_host_ed25519_key")
    assert (ssh_folder / "ssh_host_ed25519_key").stat().st_mode & 0o777 == 0o600
    assert not list(ssh_folder.glob("*.new"))
