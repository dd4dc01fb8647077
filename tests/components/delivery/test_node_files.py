"""The files of a machine: what is in them, and the text that carries them."""

from __future__ import annotations

import base64
import dataclasses
import random
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.delivery.bundle_writer import write_bundle
from components.delivery.cloud_config import cloud_config, packed
from components.delivery.control_plane_files import control_plane_files, control_plane_keys
from components.delivery.etcd_files import etcd_member_files
from components.delivery.node_files import (
    CONTENTS,
    NodeFile,
    boot_files,
    boot_units,
    environment_file,
    role_files,
)
from components.delivery.worker_files import worker_files
from components.kubeadm.documents import ControlPlaneNode
from components.kubeadm.labels import Place
from components.network_plugins.network_plugin import network_plugin
from components.plan import Plan, Role
from components.settings.model import Settings, WorkerPoolSettings
from tests.components.education import SETTINGS
from tests.components.stacks import settings_of

POOL = WorkerPoolSettings(name="general", labels={"tier": "web"})
PLACE = Place("eu-central-1", "eu-central-1a")
PROD = Plan(settings_of("prod"))
# Of EC2's 16 KiB, base64 not counted: room for longer settings, and for what later releases add.
LIMIT_OF_USER_DATA = 13 * 1024
# As long as the certificate of an authority, and as hard to compress.
CERTIFICATE = base64.encodebytes(random.Random(1).randbytes(430)).decode()
Files = tuple[NodeFile, ...]


def control_plane(settings: Settings = SETTINGS, index: int = 0) -> Files:
    """The files of a control plane, with a disk for etcd where that is stacked."""
    plan = Plan(settings)
    node = ControlPlaneNode(plan.control_planes[index], PLACE)
    return control_plane_files(plan, node, network_plugin(plan), "" if plan.etcd_is_external else "vol-1")


def etcd_member(settings: Settings = PROD.settings) -> Files:
    return etcd_member_files(Plan(settings), Plan(settings).etcd_machines[1], "vol-1")


def every_role() -> dict[str, Files]:
    with_pool = Plan(dataclasses.replace(SETTINGS, workers=(POOL,)))
    return {
        "stacked": control_plane(),
        "with external etcd": control_plane(PROD.settings, 1),
        "etcd": etcd_member(),
        "worker": worker_files(with_pool, POOL, network_plugin(with_pool), CERTIFICATE, "eu-central-1"),
        "worker of prod": worker_files(
            PROD, PROD.settings.workers[0], network_plugin(PROD), CERTIFICATE, "eu-central-1"
        ),
    }


ROLES = sorted(every_role())


def environment(files: Files) -> dict[str, str]:
    (file,) = [file for file in files if file.path == "/etc/quorate/node.env"]
    lines = file.content.splitlines()
    return {name: "".join(shlex.split(value)) for name, _, value in (line.partition("=") for line in lines)}


@pytest.mark.parametrize("role", ROLES)
def test_scripts_are_executable_and_nothing_else_is(role: str) -> None:
    for file in every_role()[role]:
        assert (file.mode == "0755") == file.path.startswith("/opt/quorate/bin/"), file.path


@pytest.mark.parametrize("role", ROLES)
def test_no_file_comes_twice(role: str) -> None:
    paths = [file.path for file in every_role()[role]]
    assert sorted(paths) == sorted(set(paths))


@pytest.mark.parametrize("role", ROLES)
def test_a_machine_has_all_that_its_units_start_and_its_scripts_call_or_source(role: str) -> None:
    files = every_role()[role]
    # Behind a condition: a machine without etcd's disk never mounts it.
    guarded = {"mount-etcd-volume.sh"} if role == "with external etcd" else set()
    for known in (files, boot_files(files)):
        names = {Path(file.path).name for file in known if file.path.endswith(".sh")}
        text = "".join(file.content for file in known if not file.path.endswith("prepare-machine.sh"))
        called = set(re.findall(r'(?:/opt/quorate/bin|\$BIN|source "\$\(dirname "\$0"\)")/([a-z-]+\.sh)', text))
        assert len(names) >= 5
        assert called - guarded <= names


@pytest.mark.parametrize("role", ROLES)
def test_preparation_finds_the_scripts_of_its_role(role: str) -> None:
    names = {Path(file.path).name for file in boot_files(every_role()[role])}
    wanted = (
        {"install-etcd.sh"} if role == "etcd" else {"install-packages.sh", "configure-containerd.sh", "pull-images.sh"}
    )
    assert wanted <= names


@pytest.mark.parametrize("role", ROLES)
def test_what_goes_to_user_data_is_far_below_its_limit(role: str) -> None:
    files = boot_files(every_role()[role])
    parameter = None if role.startswith("worker") else "/quorate/education/control-plane-0/ssh-host-key"
    config = cloud_config("control-plane-0", parameter, files, boot_units(files))
    assert len(packed(config)) < LIMIT_OF_USER_DATA


@pytest.mark.parametrize(
    ("role", "units"),
    [
        ("stacked", {"quorate-prepare.service"}),
        ("with external etcd", {"quorate-prepare.service"}),
        ("etcd", {"quorate-prepare.service"}),
        ("worker", {"quorate-join.service"}),
        ("worker of prod", {"quorate-join.service"}),
    ],
)
def test_a_machine_starts_at_boot_what_its_role_begins_with(role: str, units: set[str]) -> None:
    assert set(boot_units(every_role()[role])) == units


def test_the_kubelet_never_starts_without_the_disk_of_etcd_where_there_is_one() -> None:
    def drop_ins(files: Files) -> list[NodeFile]:
        return [file for file in files if file.path.startswith("/etc/systemd/system/kubelet.service.d/")]

    (drop_in,) = drop_ins(role_files(Role.CONTROL_PLANE, etcd_volume=True))
    assert "Requires=quorate-etcd-volume.service" in drop_in.content
    assert "After=quorate-etcd-volume.service" in drop_in.content
    assert drop_ins(role_files(Role.CONTROL_PLANE, etcd_volume=False)) == []


def test_etcd_never_starts_without_its_disk() -> None:
    (unit,) = [file for file in role_files(Role.ETCD) if file.path.endswith("/etcd.service")]
    assert "Requires=quorate-etcd-volume.service" in unit.content
    assert "Type=notify" in unit.content


def test_versions_and_disk_are_in_the_environment() -> None:
    values = environment(control_plane())
    assert values["KUBERNETES_VERSION"] == SETTINGS.cluster.kubernetes_version
    assert values["CONTAINERD_VERSION"] == SETTINGS.cluster.containerd_version
    assert values["ETCD_VOLUME_ID"] == "vol-1"


def test_a_machine_names_itself_as_the_endpoint_unless_a_load_balancer_is() -> None:
    assert environment(control_plane())["API_ENDPOINT_ADDRESS"] == "10.20.0.16"
    assert environment(control_plane(PROD.settings))["API_ENDPOINT_ADDRESS"] == ""


def test_a_larger_disk_shows_as_a_changed_file() -> None:
    larger = dataclasses.replace(SETTINGS, etcd=dataclasses.replace(SETTINGS.etcd, volume_gib=40))
    assert environment(control_plane(larger)) != environment(control_plane())


def test_the_credentials_of_workers_are_renewed_where_there_are_pools() -> None:
    assert environment(control_plane())["JOIN_PARAMETER"] == ""
    with_pool = environment(control_plane(dataclasses.replace(SETTINGS, workers=(POOL,))))
    worker = environment(every_role()["worker"])
    assert with_pool["JOIN_PARAMETER"] == worker["JOIN_PARAMETER"] == "/quorate/education/workers/join"


def test_a_worker_pulls_what_it_will_run_before_it_joins() -> None:
    images = environment(every_role()["worker"])["EXTRA_IMAGES"]
    assert f"registry.k8s.io/kube-proxy:v{SETTINGS.cluster.kubernetes_version}" in images


def test_an_etcd_member_knows_all_members_and_asks_the_others() -> None:
    files = {file.path: file.content for file in every_role()["etcd"]}
    lines = files["/etc/quorate/etcd.env"].splitlines()
    first, second, third = (machine.address for machine in PROD.etcd_machines)
    initial = f"etcd-0=https://{first}:2380,etcd-1=https://{second}:2380,etcd-2=https://{third}:2380"
    assert f"ETCD_INITIAL_CLUSTER={initial}" in lines
    assert "ETCD_LISTEN_METRICS_URLS=http://127.0.0.1:2381" in lines
    assert "ETCD_CLIENT_CERT_AUTH=true" in lines
    assert "ETCD_PEER_CLIENT_CERT_AUTH=true" in lines
    assert environment(every_role()["etcd"])["PEER_ADDRESSES"] == f"{first} {third}"


def test_a_new_version_of_etcd_changes_what_the_member_compares_before_it_restarts() -> None:
    newer = settings_of("prod", etcd__version="3.6.99", etcd__sha256="0" * 64)
    by_path = [{file.path: file.content for file in etcd_member(settings)} for settings in (PROD.settings, newer)]
    assert by_path[0]["/etc/quorate/etcd.env"] != by_path[1]["/etc/quorate/etcd.env"]


def test_keys_are_readable_by_root_alone_and_that_of_secrets_is_where_the_api_server_reads_it() -> None:
    files = {file.path: file for file in control_plane_keys({"ca.key": "key\n", "encryption-key": "MTIz"})}
    assert set(files) == {"/etc/quorate/pki/ca.key", "/etc/quorate/api-server/encryption.yaml"}
    assert {file.mode for file in files.values()} == {"0600"}
    document = yaml.safe_load(files["/etc/quorate/api-server/encryption.yaml"].content)
    (resources,) = document["resources"]
    assert resources["resources"] == ["secrets"]
    assert resources["providers"][0]["secretbox"]["keys"] == [{"name": "key1", "secret": "MTIz"}]


@given(st.dictionaries(st.sampled_from(["A", "B_C"]), st.text(st.characters(exclude_characters="\n\0"))))
def test_any_value_of_one_line_is_read_back_by_a_shell_as_it_was(values: dict[str, str]) -> None:
    lines = environment_file(values).content.split("\n")[:-1]
    assert {line.partition("=")[0]: shlex.split(line.partition("=")[2])[0] for line in lines} == values


@pytest.mark.parametrize(("name", "value"), [("A", "two\nlines"), ("a", "x"), ("A B", "x"), ("A;rm", "x")])
def test_what_is_no_line_of_an_environment_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be a line of /etc/quorate/node\.env"):
        environment_file({name: value})


def test_a_file_without_a_last_newline_is_refused_as_it_would_not_arrive_as_it_is() -> None:
    with pytest.raises(ValueError, match="/etc/quorate/x does not end with a newline"):
        write_bundle((NodeFile("/etc/quorate/x", "text"),))


_IMPORTS = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
from components.node.__main__ import STEPS
for step in sys.argv[2:]:
    importlib.import_module(f"components.node.{STEPS[step]}")
print(all(module.__file__.startswith(sys.argv[1]) for name, module in sys.modules.items()
          if name.startswith("components.") and getattr(module, "__file__", None)))
"""


@pytest.mark.parametrize("role", [Role.ETCD, Role.CONTROL_PLANE, Role.WORKER])
@pytest.mark.parametrize("at_boot", [True, False])
def test_what_a_machine_gets_is_all_that_its_steps_import(role: Role, at_boot: bool, tmp_path: Path) -> None:
    files = role_files(role, etcd_volume=True)
    for file in boot_files(files) if at_boot else files:
        path = tmp_path / file.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    steps = (*CONTENTS[role].steps_at_boot, *(() if at_boot else CONTENTS[role].steps_later))
    command = [sys.executable, "-I", "-B", "-c", _IMPORTS, str(tmp_path / "opt/quorate/lib"), *steps]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr
