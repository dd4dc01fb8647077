from __future__ import annotations

import configparser

from sandbox.image.build import _MASKED_UNITS
from sandbox.image.resolver import files_that_ask


def test_systemd_resolved_is_told_the_networks_server() -> None:
    ((path, content),) = files_that_ask("192.0.2.53").items()
    assert path.startswith("/etc/systemd/resolved.conf.d/")
    read = configparser.ConfigParser()
    read.read_string(content.decode())
    assert dict(read["Resolve"]) == {"dns": "192.0.2.53"}


def test_what_debians_images_for_ec2_run_beside_the_cluster_is_not_masked() -> None:
    units = {"systemd-resolved.service", "apt-daily.timer", "apt-daily-upgrade.timer", "unattended-upgrades.service"}
    assert units & set(_MASKED_UNITS) == set()
