"""What the node program asks of an API server, asked of a real one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.network_plugins.calico.manifest import calico_manifest
from components.network_plugins.flannel import flannel_manifest
from components.node.common import log
from components.node.common.failure import Failure
from components.node.common.kubeadm import write_discovery
from components.node.common.kubectl import Kubectl
from components.node.control_plane.apply import apply_taint
from components.node.control_plane.cluster import remove_former_turn
from components.node.control_plane.endpoint_name import restart_pods
from components.node.control_plane.network_plugin import apply_manifest
from components.node.control_plane.this_machine import Folders, ThisMachine
from sandbox.tests.engine.kubernetes.control_plane import ControlPlane
from sandbox.toolchain.build import binary

pytestmark = pytest.mark.engine


class Privileged(ControlPlane):
    """That of a cluster made with kubeadm allows privileged pods, as network plugins are."""

    def _run(self, name: str, program: Path, *arguments: str) -> None:
        extra = ("--allow-privileged=true",) if name == "apiserver" else ()
        super()._run(name, program, *arguments, *extra)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    plane = Privileged(tmp_path_factory.mktemp("plane"))
    plane.start()
    yield plane
    plane.stop()


@pytest.fixture
def machine(plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ThisMachine:
    """One whose administrator's kubeconfig leads to the API server, with the kubectl of its version."""
    monkeypatch.setenv("PATH", f"{binary('kubernetes', 'kubectl').parent}:{os.environ['PATH']}")
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    (tmp_path / "admin.conf").write_text(plane.kubeconfig)
    folders = Folders(tmp_path, tmp_path, tmp_path, tmp_path, tmp_path, tmp_path / "hosts", tmp_path / "discovery.conf")
    return ThisMachine("cp-0", "127.0.0.1", "api.test", "1.36.4", folders=folders)


def created(machine: ThisMachine, *objects: dict[str, object]) -> None:
    for each in objects:
        machine.kubectl.run("create", "--filename", "-", stdin=json.dumps(each))


@pytest.mark.parametrize(
    "manifest",
    [
        calico_manifest("3.31.0", "10.244.0.0/16", "api.x", 6443),
        flannel_manifest("0.28.4", "10.244.0.0/16", "api.x", 6443),
    ],
    ids=["calico", "flannel"],
)
def test_a_network_plugin_can_be_applied_twice(
    manifest: str, machine: ThisMachine, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        apply_manifest(manifest, machine.kubectl)
    assert capfd.readouterr().out.count("serverside-applied") == 2 * len(manifest.split("\n---\n"))


def test_the_lock_of_former_releases_goes_and_may_have_gone(
    machine: ThisMachine, capfd: pytest.CaptureFixture[str]
) -> None:
    name = ("configmap", "quorate-configuration", "--namespace", "kube-system")
    machine.kubectl.run("create", *name, "--from-literal", "holder=cp-1")
    for _ in range(2):
        remove_former_turn(machine)
        assert machine.kubectl.read(*name, "--ignore-not-found") is None
    assert capfd.readouterr().out == ""


def test_a_control_plane_is_tainted_and_freed_and_either_can_be_done_twice(
    machine: ThisMachine, capfd: pytest.CaptureFixture[str]
) -> None:
    created(machine, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "cp-0"}})

    def is_tainted() -> bool:
        keys = [taint["key"] for taint in machine.kubectl.read("node", "cp-0")["spec"].get("taints", [])]
        return "node-role.kubernetes.io/control-plane" in keys

    for runs_ordinary in (True, False, False, True, True):
        apply_taint(machine, runs_ordinary)
        assert is_tainted() != runs_ordinary
    assert capfd.readouterr().out == ""


def test_only_pods_of_the_workload_on_this_machine_start_again(machine: ThisMachine) -> None:
    """The owners are config maps: what owns a pod makes no difference, and nothing makes pods for these."""
    created(machine, *(_config_map(name) for name in ("plugin", "other")))
    owners = {name: machine.kubectl.read("configmap", name)["metadata"]["uid"] for name in ("plugin", "other")}
    created(
        machine,
        _pod("ours", "cp-0", "plugin", owners["plugin"]),
        _pod("elsewhere", "cp-9", "plugin", owners["plugin"]),
        _pod("neighbour", "cp-0", "other", owners["other"]),
    )
    restart_pods("default/daemonset/plugin", "cp-0", machine.kubectl)
    pods = {pod["metadata"]["name"]: pod["metadata"] for pod in machine.kubectl.read("pods")["items"]}
    assert {name for name in pods if "deletionTimestamp" not in pods[name]} == {"elsewhere", "neighbour"}


def test_who_may_do_nothing_gets_the_servers_words(machine: ThisMachine, plane: ControlPlane, tmp_path: Path) -> None:
    (tmp_path / "nobody.conf").write_text(plane.kubeconfig_of("nobody"))
    with pytest.raises(Failure, match=r'Forbidden\): pods is forbidden: User "nobody" cannot list'):
        Kubectl(tmp_path / "nobody.conf").read("pods")


def test_kubectl_reads_the_discovery_file(machine: ThisMachine, plane: ControlPlane, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(plane.authority.pem)
    write_discovery({"token": "abcdef.0123456789abcdef"}, "api.test", tmp_path / "ca.crt", machine.folders.discovery)
    read = json.loads(Kubectl(machine.folders.discovery).run("config", "view", "--minify", "--output", "json"))
    assert read["clusters"][0]["cluster"]["server"] == "https://api.test:6443"
    assert read["contexts"][0]["context"] == {"cluster": "cluster", "user": "joining"}


def _config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def _pod(name: str, node: str, owner: str, uid: str) -> dict[str, object]:
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "ownerReferences": [reference]},
        "spec": {"nodeName": node, "containers": [{"name": "main", "image": "none"}]},
    }
