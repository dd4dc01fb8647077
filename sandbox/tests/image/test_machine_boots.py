"""A machine boots from the image with instance metadata as the only thing it gets."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from sandbox import image
from sandbox.cloud.addresses import INTERNET_ADDRESS
from sandbox.trial import HOSTNAME, TrialMachine, booted

pytestmark = pytest.mark.cluster

USER_DATA = b"""#cloud-config
write_files:
  - path: /etc/quorate/from-user-data
    content: told by user data
runcmd:
  - [touch, /run/from-runcmd]
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrialMachine]:
    folder = tmp_path_factory.mktemp("machine")
    site = folder / "site"
    (site / "example.org").mkdir(parents=True)
    (site / "example.org" / "page").write_text("over TLS\n")
    with booted(folder, image.ensure(), site, USER_DATA) as machine:
        yield machine


def test_systemd_reaches_running_with_no_failed_unit(machine: TrialMachine) -> None:
    assert machine.wait_for("systemctl", "is-system-running") == "running"
    assert machine.check("systemctl", "--failed", "--quiet", "--no-legend") == ""


def test_cloud_init_finds_the_ec2_data_source_without_an_error(machine: TrialMachine) -> None:
    result = machine.check("cat", "/run/cloud-init/result.json")
    assert '"errors": []' in result
    assert "DataSourceEc2" in result


def test_user_data_is_carried_out(machine: TrialMachine) -> None:
    assert machine.check("cat", "/etc/quorate/from-user-data") == "told by user data"
    machine.check("test", "-e", "/run/from-runcmd")


def test_admin_logs_in_by_the_instances_key_and_may_become_root(machine: TrialMachine) -> None:
    outcome = machine.ssh("id -un && sudo -n id -un && hostname")
    assert outcome.stdout.split() == ["admin", "root", HOSTNAME], outcome.stderr


def test_apt_update_succeeds_without_a_repository(machine: TrialMachine) -> None:
    started = time.monotonic()
    machine.check("apt-get", "-qq", "update")
    assert time.monotonic() - started < 5


def test_names_are_asked_as_in_debians_images_for_ec2(machine: TrialMachine) -> None:
    assert machine.check("systemctl", "is-active", "systemd-resolved") == "active"
    assert machine.check("readlink", "/etc/resolv.conf") == "/run/systemd/resolve/resolv.conf"
    assert f"nameserver {INTERNET_ADDRESS}" in machine.check("cat", "/etc/resolv.conf").splitlines()
    hosts = machine.check("grep", "^hosts:", "/etc/nsswitch.conf").split()[1:]
    assert hosts == ["files", "myhostname", "dns"]


def test_debians_own_updates_run_as_in_its_images_for_ec2(machine: TrialMachine) -> None:
    for unit in ("apt-daily.timer", "apt-daily-upgrade.timer", "unattended-upgrades.service"):
        assert machine.check("systemctl", "is-active", unit) == "active"
    machine.check("systemctl", "start", "apt-daily.service", "apt-daily-upgrade.service")
    assert "Unattended-Upgrade" in machine.check("apt-config", "dump", "APT::Periodic")


def test_the_sandboxs_authority_is_trusted_by_the_bundle_and_by_openssls_folder(machine: TrialMachine) -> None:
    path = "/usr/local/share/ca-certificates/quorate-sandbox.crt"
    assert machine.check("curl", "--silent", "--show-error", "https://example.org/page") == "over TLS"
    assert machine.check("openssl", "verify", "-CApath", "/etc/ssl/certs", path).endswith("OK")


def test_update_ca_certificates_keeps_the_trust(machine: TrialMachine) -> None:
    machine.check("update-ca-certificates")
    assert machine.check("curl", "--silent", "--show-error", "https://example.org/page") == "over TLS"


def test_the_machine_has_an_identity_of_its_own(machine: TrialMachine) -> None:
    assert len(machine.check("cat", "/etc/machine-id")) == 32
    assert not list((machine.machines.image / "etc/ssh").glob("ssh_host_*"))
    assert "ssh_host_ed25519_key" in machine.check("ls", "/etc/ssh")
