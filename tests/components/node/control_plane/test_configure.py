"""Which way a machine becomes the control plane that it should be, with stand-ins for programs and other machines."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from components.node.boot import etcd_volume
from components.node.common import machine_lock
from components.node.common.failure import Failure
from components.node.control_plane import configure as step
from components.node.control_plane.configure import configure, main
from components.node.control_plane.this_machine import ThisMachine
from components.node.etcd.client import Alarm
from components.node.etcd.cluster_mark import mark_path
from tests.components.node.control_plane.control_plane import (
    DOCUMENTS,
    PROVIDER_ID,
    OtherMachines,
    Prepared,
    is_running,
    prepared,
)

Make = Callable[..., Prepared]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    def give_kubectl(machine: ThisMachine) -> None:
        (tmp_path / "given").touch()

    monkeypatch.setattr(step, "give_kubectl", give_kubectl)
    monkeypatch.setattr(step, "own_provider_id", lambda: PROVIDER_ID)
    monkeypatch.setattr(step, "check_clock", lambda: None)
    monkeypatch.setattr(etcd_volume, "mount_volume", lambda: (tmp_path / "mounted").touch())
    return lambda **options: prepared(tmp_path, monkeypatch, **options)


def marks(node: Prepared) -> tuple[str, str, str]:
    folders = node.machine.folders
    paths = (mark_path(folders.etcd_disk), folders.version_mark, folders.applied)
    return tuple(path.read_text() if path.exists() else "" for path in paths)  # type: ignore[return-value]


def test_a_new_machine_founds_the_cluster_and_marks_its_disk(make: Make, tmp_path: Path) -> None:
    node = make(endpoint_address="10.0.0.1", join_parameter="/test/join")
    configure(node.machine, OtherMachines(node.machine))
    calls = node.programs.calls
    assert "systemctl enable --quiet --now quorate-defragment-etcd.timer" in calls
    assert "systemctl disable --quiet --now quorate-snapshot.timer" in calls, "there are no backups"
    assert calls[0].split() == ["prepare-machine.sh"]
    assert calls[1] == "systemctl start quorate-etcd-volume.service"
    assert (tmp_path / "mounted").exists(), "and grown with its volume"
    assert calls[2].startswith("install-certificates.sh")
    (init,) = node.programs.calls_with("kubeadm")
    assert init.startswith(f"kubeadm init --config {node.machine.folders.configuration} --ignore-preflight-errors ")
    ca = (node.machine.folders.authority).read_bytes()
    assert marks(node) == (f"{hashlib.sha256(ca).hexdigest()}  -\n", "1.36.4\n", DOCUMENTS)
    assert node.machine.folders.applied.stat().st_mode & 0o777 == 0o600
    assert "10.0.0.1 api.test # quorate: the API endpoint\n" in node.machine.folders.hosts.read_text()
    assert (tmp_path / "given").exists()
    assert calls[-2:] == [
        "systemctl enable --quiet --now quorate-join-credentials.timer quorate-tend-workers.timer",
        "systemctl start --no-block quorate-join-credentials.service",
    ]


def test_a_machine_registers_as_its_instance_from_the_first_time_on(make: Make, tmp_path: Path) -> None:
    node = make()
    patch = tmp_path / "patches" / "kubeletconfiguration-instance+merge.yaml"
    node.programs.program("kubeadm", before=f'cp "{patch}" "$STAND_INS/patch"')
    configure(node.machine, OtherMachines(node.machine))
    assert (node.programs.folder / "patch").read_text() == f"providerID: {PROVIDER_ID}\n"


def test_without_a_disk_of_its_own_and_without_workers_neither_marks_nor_timers_are_made(
    make: Make, tmp_path: Path
) -> None:
    node = make(volume="")
    configure(node.machine, OtherMachines(node.machine))
    assert marks(node) == ("", "", DOCUMENTS)
    assert not (tmp_path / "mounted").exists()
    assert not node.machine.folders.etcd_data.exists()


def test_behind_a_load_balancer_workers_are_let_in_by_the_step_that_follows_it(make: Make) -> None:
    node = make(join_parameter="/test/join")
    configure(node.machine, OtherMachines(node.machine))
    assert not node.programs.calls_with("quorate-join-credentials")


def test_a_founder_whose_cluster_is_there_joins_it_instead_of_making_a_second_one(
    make: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    node = make(others=("10.0.0.2",))
    configure(node.machine, OtherMachines(node.machine, existing=("10.0.0.2",), ready=("10.0.0.2",)))
    assert node.programs.calls_with("kubeadm join")
    assert not node.programs.calls_with("kubeadm init")
    assert "an API server of this cluster answers at 10.0.0.2" in capfd.readouterr().out


@pytest.mark.parametrize("joins", [False, True])
def test_a_machine_that_enters_the_cluster_does_not_ask_for_the_name_of_the_api(joins: bool, make: Make) -> None:
    node = make(joins=joins, others=("10.0.0.2",))
    others = OtherMachines(node.machine, ready=("10.0.0.2",))
    configure(node.machine, others)
    assert set(others.asked) == {"10.0.0.2"}


def test_a_disk_with_this_clusters_data_is_served_again(make: Make) -> None:
    node = make(joins=True, others=("10.0.0.2",))
    folders = node.machine.folders
    mark_path(folders.etcd_disk).write_text(f"{hashlib.sha256(folders.authority.read_bytes()).hexdigest()}  -\n")
    folders.etcd_data.mkdir()
    (folders.etcd_data / "member").touch()
    configure(node.machine, OtherMachines(node.machine, existing=("10.0.0.2",), ready=("10.0.0.2",)))
    assert node.programs.calls_with("kubeadm init")
    assert (folders.etcd_data / "member").exists()


def test_what_a_run_that_was_cut_off_left_is_cleaned_up_first(make: Make) -> None:
    node = make(joins=True, others=("10.0.0.2",))
    (node.machine.folders.kubernetes / "kubelet.conf").touch()
    configure(node.machine, OtherMachines(node.machine, ready=("10.0.0.2",)))
    calls = [call for call in node.programs.calls if call.startswith(("kubeadm", "leave"))]
    assert calls[:2] == ["leave etcd", "kubeadm reset --force --skip-phases remove-etcd-member"]
    assert calls[-1].startswith("kubeadm join")


def test_a_reset_that_fails_ends_the_step_with_the_command_to_try(make: Make) -> None:
    node = make()
    (node.machine.folders.kubelet / "config.yaml").touch()
    node.programs.program("kubeadm", ("reset", 1, "device busy\n"))
    with pytest.raises(Failure, match=r"remove-etcd-member failed; run it by hand to see why: .*device busy"):
        configure(node.machine, OtherMachines(node.machine))
    assert marks(node) == ("", "", "")


def test_with_a_wrong_clock_kubeadm_is_not_begun(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong() -> None:
        raise Failure("400s behind")

    node = make()
    monkeypatch.setattr(step, "check_clock", wrong)
    with pytest.raises(Failure, match="400s behind"):
        configure(node.machine, OtherMachines(node.machine))
    assert not node.programs.calls_with("kubeadm")


def test_a_running_machine_is_neither_initialized_nor_joined_but_changed(make: Make) -> None:
    node = make(endpoint_address="10.0.0.1")
    is_running(node, DOCUMENTS.replace("maxPods: 110", "maxPods: 99"))
    node.programs.program("kubeadm", ("upload-config", 1, "no\n"))
    with pytest.raises(Failure, match="upload-config all failed"):
        configure(node.machine, OtherMachines(node.machine))
    assert node.programs.calls_with("kubeadm") == [
        f"kubeadm init phase upload-config all --config {node.machine.folders.configuration}"
    ]
    assert marks(node)[2] == DOCUMENTS.replace("maxPods: 110", "maxPods: 99"), "what failed is tried again"


def test_an_alarm_of_etcd_is_told_before_anything_is_changed(make: Make) -> None:
    node = make(endpoint_address="10.0.0.1")
    is_running(node, DOCUMENTS.replace("maxPods: 110", "maxPods: 99"))
    others = OtherMachines(node.machine, alarm="NOSPACE")
    with pytest.raises(Alarm, match=r"alarm NOSPACE .*defragment-etcd --disarm"):
        configure(node.machine, others)
    assert others.events == []
    assert node.programs.calls_with("kubeadm") == []


def test_a_second_run_changes_nothing(make: Make) -> None:
    node = make()
    configure(node.machine, OtherMachines(node.machine))
    (node.machine.folders.kubernetes / "admin.conf").touch()
    before, calls = marks(node), len(node.programs.calls)
    configure(node.machine, OtherMachines(node.machine))
    assert marks(node) == before
    assert not [call for call in node.programs.calls[calls:] if call.startswith("kubeadm")]


@pytest.mark.parametrize("place", ["applied", "disk"])
def test_another_version_is_refused_before_it_can_change_anything(place: str, make: Make) -> None:
    node = make()
    if place == "applied":
        is_running(node, DOCUMENTS.replace("1.36.4", "1.35.9"))
    else:
        node.machine.folders.version_mark.write_text("1.35.9\n")
    with pytest.raises(Failure, match=r"runs Kubernetes 1\.35\.9 and the settings name 1\.36\.4.*to 1\.35\.9$"):
        configure(node.machine, OtherMachines(node.machine))
    assert not node.programs.calls_with("kubeadm")
    assert (place == "applied") == (node.programs.calls == []), "packages come with the preparation"


def test_the_disk_of_another_cluster_is_refused_and_left_as_it_is(make: Make) -> None:
    node = make()
    mark_path(node.machine.folders.etcd_disk).write_text("0123  -\n")
    node.machine.folders.etcd_data.mkdir()
    with pytest.raises(Failure, match="volume vol-1 holds the data of a cluster with another certificate authority"):
        configure(node.machine, OtherMachines(node.machine))
    assert node.machine.folders.etcd_data.exists()
    assert not node.programs.calls_with("kubeadm")


@pytest.mark.parametrize("missing", ["kubeadm.yaml", "pki/ca.key"])
def test_a_file_that_was_not_delivered_is_named_before_anything_is_done(missing: str, make: Make) -> None:
    node = make()
    (node.machine.folders.etc / missing).write_text("")
    with pytest.raises(Failure, match=f"{missing} is missing; run pulumi up"):
        configure(node.machine, OtherMachines(node.machine))
    assert node.programs.calls == []


def test_a_preparation_that_fails_ends_the_step(make: Make) -> None:
    node = make()
    (node.machine.folders.programs / "prepare-machine.sh.answers").write_text("prepare\x1f1\x1fno packages\n")
    with pytest.raises(Failure, match=r"prepare-machine\.sh ended with 1; its messages are above"):
        configure(node.machine, OtherMachines(node.machine))


def test_the_step_names_what_was_not_delivered(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    make()
    monkeypatch.setattr(machine_lock, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert main([]) == 1
    assert f"{tmp_path}/etc/node.env can't be read" in capfd.readouterr().out


def test_only_root_may_run_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main([]) == 1
    assert "must be root; run it with sudo" in capsys.readouterr().out
    assert main(["x"]) == 2
