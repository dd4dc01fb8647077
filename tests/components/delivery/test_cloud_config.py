"""User data: order of events at the first boot, and the size that EC2 takes."""

from __future__ import annotations

import base64
import gzip
import os
import random
import subprocess
from pathlib import Path

import pytest
import yaml

from components.delivery.cloud_config import cloud_config, compressed
from components.delivery.node_files import NodeFile, role_files
from components.plan import Role

UNITS = ("quorate-prepare.service", "quorate-etcd-volume.service")
FILES = (NodeFile("/opt/quorate/bin/x.sh", "#!/bin/sh\necho 'a: b' # %{c}\n", "0755"),)


def test_files_arrive_byte_for_byte_with_their_modes() -> None:
    config = yaml.safe_load(cloud_config("cp-0", "/quorate/c/cp-0/ssh-host-key", FILES, UNITS))
    assert config["write_files"] == [
        {"path": "/opt/quorate/bin/x.sh", "permissions": "0755", "content": FILES[0].content}
    ]


def test_preparation_runs_in_the_background_so_that_ssh_opens_meanwhile() -> None:
    config = yaml.safe_load(cloud_config("cp-0", "/p", FILES, UNITS))
    start = config["runcmd"][-1]
    assert start[:3] == ["systemctl", "start", "--no-block"]
    assert set(start[3:]) == set(UNITS)


def test_a_machine_with_a_pinned_host_key_makes_no_other() -> None:
    config = yaml.safe_load(cloud_config("cp-0", "/p", FILES, UNITS))
    assert (config["ssh_deletekeys"], config["ssh_genkeytypes"]) == (False, ["ed25519"])
    assert config["bootcmd"][0][-1] == "/p"


def test_sshd_opens_only_when_a_login_is_accepted_and_keeps_silent_connections_alive(tmp_path: Path) -> None:
    config = yaml.safe_load(cloud_config("cp-0", "/p", FILES, UNITS))
    shell, _, script = config["bootcmd"][1]
    (tmp_path / "systemctl").write_text('#!/bin/sh\ncat etc/systemd/system/ssh.service.d/* >read && echo "$@" >>read\n')
    (tmp_path / "systemctl").chmod(0o755)
    (tmp_path / "etc/ssh/sshd_config.d").mkdir(parents=True)
    for _ in range(2):
        subprocess.run(
            [shell, "-c", script.replace("/etc", "etc")], check=True, cwd=tmp_path,
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        )  # fmt: skip
    # cloud-init runs this before sshd and before what it waits for: nothing of it may wait for either.
    assert (tmp_path / "read").read_text() == "[Unit]\nAfter=systemd-user-sessions.service\ndaemon-reload\n"
    assert [path.read_text() for path in (tmp_path / "etc/ssh/sshd_config.d").iterdir()] == ["ClientAliveInterval 60\n"]


def test_a_living_machine_gets_the_same_order_of_sshd() -> None:
    (delivered,) = [file for file in role_files(Role.ETCD) if "/ssh.service.d/" in file.path]
    script = yaml.safe_load(cloud_config("cp-0", "/p", FILES, UNITS))["bootcmd"][1][-1]
    assert f">{delivered.path}" in script
    assert "After=systemd-user-sessions.service\n" in delivered.content
    assert not delivered.needed_at_boot


def test_a_machine_without_one_makes_its_own() -> None:
    config = yaml.safe_load(cloud_config("pool", None, FILES, UNITS))
    assert not {"bootcmd", "ssh_deletekeys", "ssh_genkeytypes"} & set(config)


def test_nothing_is_started_where_there_are_no_units() -> None:
    assert "runcmd" not in yaml.safe_load(cloud_config("bastion", "/p", FILES, ()))


def test_cloud_init_leaves_the_hosts_file_alone_after_the_first_boot() -> None:
    assert yaml.safe_load(cloud_config("cp-0", "/p", FILES, UNITS))["manage_etc_hosts"] == "localhost"


def test_compression_is_the_same_each_time_or_every_preview_would_show_a_change() -> None:
    text = cloud_config("cp-0", "/p", FILES, UNITS)
    assert compressed(text) == compressed(text)
    assert gzip.decompress(base64.b64decode(compressed(text))).decode() == text


def test_user_data_beyond_the_limit_is_refused_before_anything_is_made() -> None:
    noise = "".join(chr(random.Random(i).randrange(32, 126)) for i in range(40000))
    with pytest.raises(ValueError, match="EC2 takes 16384"):
        compressed(noise)
