"""Mirrors of registries: what containerd reads, where it reads it, and what a change of them does."""

from __future__ import annotations

import dataclasses
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from components.delivery.cloud_config import cloud_config, read_cloud_config
from components.delivery.control_plane_files import control_plane_files
from components.delivery.effects import STEPS, Interruption, changed_parts
from components.delivery.living_user_data import kept
from components.delivery.node_files import NodeFile, boot_files, boot_units
from components.delivery.registry_mirrors import FOLDER, registry_mirror_files
from components.delivery.user_data_limit import exceeded_user_data
from components.delivery.worker_files import worker_files
from components.kubeadm.documents import ControlPlaneNode
from components.kubeadm.labels import Place
from components.network_plugins.network_plugin import network_plugin
from components.node.boot.receive_files import may_be_written, obsolete
from components.plan import Plan
from components.settings.model import ContainerSettings, RegistryMirrors, WorkerPoolSettings
from components.settings.validate import parse
from tests.components.education import SETTINGS
from tests.components.long_settings import noise
from tests.components.settings.stack_files import SMALL, changed

SCRIPT = Path(__file__).parents[3] / "components" / "node" / "boot" / "configure-containerd.sh"
MIRRORS = ContainerSettings((RegistryMirrors("registry.k8s.io", ("https://mirror.example.org",)),))
HOSTS = f"{FOLDER}/registry.k8s.io/hosts.toml"


def control_plane(containers: ContainerSettings) -> tuple[NodeFile, ...]:
    plan = Plan(dataclasses.replace(SETTINGS, containers=containers))
    node = ControlPlaneNode(plan.founder, Place("eu-central-1", "eu-central-1a"))
    return control_plane_files(plan, node, network_plugin(plan), "vol-1")


def worker(containers: ContainerSettings) -> tuple[NodeFile, ...]:
    pool = WorkerPoolSettings(name="general")
    plan = Plan(dataclasses.replace(SETTINGS, containers=containers, workers=(pool,)))
    return worker_files(plan, pool, network_plugin(plan), "authority\n", "eu-central-1")


def user_data(files: tuple[NodeFile, ...]) -> str:
    return cloud_config("machine", None, boot_files(files), boot_units(files))


def hosts_of(*endpoints: str) -> dict[str, Any]:
    (file,) = registry_mirror_files(ContainerSettings((RegistryMirrors("ghcr.io", endpoints),)))
    assert file.path == f"{FOLDER}/ghcr.io/hosts.toml"
    read = tomllib.loads(file.content)
    # A server here would be asked in place of the registry.
    assert set(read) == {"host"}
    return dict(read["host"])


def test_mirrors_are_asked_in_their_order_for_contents_and_tags() -> None:
    found = hosts_of("https://b.example.org", "https://a.example.org")
    assert list(found) == ["https://b.example.org/v2", "https://a.example.org/v2"]
    assert all(each == {"capabilities": ["pull", "resolve"], "override_path": True} for each in found.values())


@pytest.mark.parametrize(
    ("endpoint", "root"),
    [
        ("https://a.example.org/", "https://a.example.org/v2"),
        ("https://a.example.org/hub", "https://a.example.org/hub/v2"),
        ("https://a.example.org/v2", "https://a.example.org/v2"),
        ("https://a.example.org/v2/proxy", "https://a.example.org/v2/proxy"),
        ("https://a.example.org/hub/v2/", "https://a.example.org/hub/v2"),
        ("https://a.example.org/v20", "https://a.example.org/v20/v2"),
        ("https://v2.example.org", "https://v2.example.org/v2"),
    ],
)
def test_the_api_of_a_mirror_begins_at_v2_unless_its_path_has_that(endpoint: str, root: str) -> None:
    assert list(hosts_of(endpoint)) == [root]


@pytest.mark.parametrize("files", [control_plane, worker])
def test_they_are_there_when_the_first_images_are_pulled(files: Any) -> None:
    read = read_cloud_config(user_data(files(MIRRORS)))
    assert read is not None
    assert HOSTS in read.files
    assert user_data(files(ContainerSettings())) == user_data(tuple(f for f in files(MIRRORS) if f.path != HOSTS))


def test_a_machine_of_any_release_takes_them_and_loses_those_that_are_gone() -> None:
    assert may_be_written(HOSTS)
    assert obsolete([HOSTS, "/opt/quorate/bin/a"], ["/opt/quorate/bin/a"]) == {HOSTS}


def test_changed_mirrors_roll_workers_and_interrupt_nothing_on_a_control_plane() -> None:
    before, after = user_data(worker(ContainerSettings())), user_data(worker(MIRRORS))
    assert kept(before, after) == after
    (part,) = changed_parts(HOSTS, None, "x\n")
    consequence = STEPS["configure-control-plane"].consequence(part)
    assert consequence is not None
    assert (consequence.interrupts, "mirrors" in consequence.words) == (Interruption.NONE, True)


def test_mirrors_that_user_data_has_no_room_for_are_refused_by_name() -> None:
    many = [
        {
            "registry": f"r{number}.example.org",
            "endpoints": [f"https://m.example.org/{noise(f'{number} {order}', 120)}" for order in range(5)],
        }
        for number in range(20)
    ]
    groups = changed(SMALL, containers__registryMirrors=many, workers=[{"name": "a"}])
    found = list(exceeded_user_data(parse(groups)))
    assert [each.key_path for each in found] == ["quorate:containers.registryMirrors"] * 2


def linked(root: Path) -> subprocess.CompletedProcess[str]:
    """Runs the script's lines about mirrors with `root` before each path."""
    lines = [
        line for line in SCRIPT.read_text().splitlines() if "certs.d" in line and not line.lstrip().startswith("#")
    ]
    text = "\n".join(line.replace("/opt/", f"{root}/opt/").replace("/etc/", f"{root}/etc/") for line in lines[1:])
    assert text.count("mkdir") == text.count("ln ") == 1
    return subprocess.run(["bash", "-euo", "pipefail", "-c", text], capture_output=True, text=True)


def test_containerd_finds_them_where_it_looks_and_none_that_are_gone(tmp_path: Path) -> None:
    certs = tmp_path / "etc/containerd/certs.d"
    assert linked(tmp_path).returncode == 0
    assert list(certs.iterdir()) == []
    delivered = tmp_path / HOSTS.lstrip("/")
    delivered.parent.mkdir(parents=True)
    delivered.write_text("mirror\n")
    (certs / "own.example.org").mkdir()
    for _ in range(2):
        assert linked(tmp_path).returncode == 0
        assert (certs / "registry.k8s.io/hosts.toml").read_text() == "mirror\n"
    delivered.unlink()
    assert linked(tmp_path).returncode == 0
    assert not (certs / "registry.k8s.io/hosts.toml").exists()
    assert sorted(path.name for path in certs.iterdir()) == ["own.example.org", "registry.k8s.io"]
