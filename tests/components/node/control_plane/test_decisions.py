"""What follows from what is on a control-plane machine, without a machine."""

from __future__ import annotations

import dataclasses
from itertools import product
from pathlib import Path

import pytest

from components.node.common import environment
from components.node.common.failure import Failure
from components.node.control_plane.documents import (
    certificate_names,
    changed,
    changed_lines,
    kubernetes_version,
    read_documents,
    runs_ordinary_pods,
)
from components.node.control_plane.state import (
    Entry,
    Observed,
    State,
    applied_version,
    decide_entry,
    decide_state,
    must_leave_etcd,
    observe,
    refuse_upgrade,
)
from components.node.control_plane.this_machine import Folders, read_this_machine, this_machine
from tests.components.node.control_plane.control_plane import DOCUMENTS

VALUES = {
    "MACHINE_NAME": "cp-0", "NODE_ADDRESS": "10.0.0.1", "API_ENDPOINT_NAME": "api.test",
    "KUBERNETES_VERSION": "1.36.4", "LOGIN_USER": "admin",
}  # fmt: skip
PATH = Path("/x/kubeadm.yaml")


@pytest.mark.parametrize("observed", [Observed(*flags) for flags in product([False, True], repeat=5)])
def test_a_machine_runs_only_if_it_was_configured_to_the_end_and_is_blank_only_if_nothing_is_there(
    observed: Observed,
) -> None:
    state = decide_state(observed)
    assert (state is State.RUNNING) == (observed.applied and observed.administrator)
    if state is State.BLANK:
        assert not any([observed.kubeconfigs, observed.manifests, observed.kubelet])
    elif state is State.HALF_DONE:
        assert any([observed.kubeconfigs, observed.manifests, observed.kubelet])


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("etc/applied-kubeadm.yaml", ["applied"]),
        ("kubernetes/admin.conf", ["administrator", "kubeconfigs"]),
        ("kubernetes/kubelet.conf", ["kubeconfigs"]),
        ("kubernetes/manifests/etcd.yaml", ["manifests"]),
        ("kubelet/config.yaml", ["kubelet"]),
        ("kubernetes/pki/ca.crt", []),
    ],
)
def test_what_kubeadm_leaves_is_observed(path: str, found: list[str], tmp_path: Path) -> None:
    folders = Folders(tmp_path / "etc", tmp_path / "kubernetes", tmp_path / "kubelet")
    assert observe(folders) == Observed()
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).touch()
    assert [name for name, value in dataclasses.asdict(observe(folders)).items() if value] == found


@pytest.mark.parametrize(
    ("has_our_data", "joins", "cluster_exists", "entry"),
    [
        (False, False, False, Entry.INITIALIZE),
        (False, False, True, Entry.JOIN),
        (False, True, False, Entry.JOIN),
        (False, True, True, Entry.JOIN),
        *((True, joins, exists, Entry.INITIALIZE) for joins in (False, True) for exists in (False, True)),
    ],
)
def test_only_a_founder_that_finds_no_cluster_makes_one_unless_its_disk_has_the_data(
    has_our_data: bool, joins: bool, cluster_exists: bool, entry: Entry
) -> None:
    assert decide_entry(has_our_data=has_our_data, joins=joins, cluster_exists=cluster_exists) is entry


@pytest.mark.parametrize(("joins", "volume", "data"), list(product([False, True], ["", "vol-1"], [False, True])))
def test_only_a_member_of_a_join_that_never_completed_has_to_leave(joins: bool, volume: str, data: bool) -> None:
    must = must_leave_etcd(joins=joins, etcd_volume=volume, has_our_data=data)
    assert must == ((joins, volume, data) == (True, "vol-1", False))


@pytest.mark.parametrize("runs", ["", "1.36.4"])
def test_the_same_version_or_none_is_no_upgrade(runs: str) -> None:
    refuse_upgrade(runs, "1.36.4")


def test_an_upgrade_is_refused_with_the_setting_to_change() -> None:
    with pytest.raises(Failure, match=r"set cluster\.kubernetesVersion to 1\.35\.9"):
        refuse_upgrade("1.35.9", "1.36.4")


def test_the_version_that_was_applied_is_read_from_the_documents(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    assert applied_version(folders) == ""
    folders.applied.write_text(DOCUMENTS)
    assert applied_version(folders) == "1.36.4"
    folders.applied.write_text("kind: InitConfiguration\n")
    assert applied_version(folders) == ""


def test_documents_are_compared_by_what_they_say() -> None:
    before = read_documents(DOCUMENTS, PATH)
    now = read_documents(
        DOCUMENTS.replace("maxPods: 110", "maxPods:   110  # as ever").replace("nftables", "iptables"), PATH
    )
    assert [kind for kind in before if changed(kind, before, now)] == ["KubeProxyConfiguration"]
    assert changed("ClusterConfiguration", {}, now), "a document that comes"
    assert not changed("JoinConfiguration", before, now), "one that neither has"


@pytest.mark.parametrize("text", ["kind: [", "a: 1\n", "- 1\n", "just words\n"])
def test_text_that_is_no_document_is_a_failure_with_a_remedy(text: str) -> None:
    with pytest.raises(Failure, match=r"^/x/kubeadm\.yaml does not hold kubeadm's documents .*Restore it"):
        read_documents(text, PATH)


def test_documents_are_asked_for_names_version_and_taint() -> None:
    documents = read_documents(DOCUMENTS, PATH)
    assert certificate_names(documents) == ("api.test", "127.0.0.1")
    assert kubernetes_version(documents) == "1.36.4"
    assert not runs_ordinary_pods(documents)
    assert certificate_names({}) == ()
    assert kubernetes_version({}) == ""
    assert not runs_ordinary_pods({})


@pytest.mark.parametrize(("taints", "ordinary"), [("[]", True), ("[{key: a, effect: NoSchedule}]", False)])
def test_an_empty_list_of_taints_is_kubeadms_way_to_say_none(taints: str, ordinary: bool) -> None:
    text = f"kind: InitConfiguration\nnodeRegistration:\n  taints: {taints}\n"
    assert runs_ordinary_pods(read_documents(text, PATH)) == ordinary


def test_only_lines_that_differ_are_shown() -> None:
    assert list(changed_lines("a\n- b\n--- c\nd\n", "a\n- x\nd\n")) == ["-- b", "---- c", "+- x"]
    assert list(changed_lines("a\n", "a\n")) == []


def test_the_machine_is_read_from_node_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "ETC", tmp_path)
    lines = {**VALUES, "CONTROL_PLANE_ADDRESSES": "'10.0.0.2 10.0.0.3'", "JOINS": "yes", "ETCD_VOLUME_ID": "vol-1"}
    (tmp_path / "node.env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    machine = read_this_machine()
    assert machine.others == ("10.0.0.2", "10.0.0.3")
    assert machine.joins
    assert (machine.etcd_volume, machine.endpoint_address, machine.join_parameter) == ("vol-1", "", "")
    (tmp_path / "node.env").write_text("MACHINE_NAME=cp-0\n")
    with pytest.raises(Failure, match="NODE_ADDRESS, API_ENDPOINT_NAME, KUBERNETES_VERSION, LOGIN_USER"):
        read_this_machine()


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ({"LOAD_BALANCER_NOTICES_SECONDS": "14"}, 14),
        ({"LOAD_BALANCER_NOTICES_SECONDS": "0"}, 0),
        ({"LOAD_BALANCER_NOTICES_SECONDS": ""}, 0),
        ({}, 12),
        ({"API_ENDPOINT_ADDRESS": "10.0.0.1"}, 0),
        ({"API_ENDPOINT_ADDRESS": "10.0.0.1", "LOAD_BALANCER_NOTICES_SECONDS": "14"}, 0),
    ],
)
def test_the_time_of_the_load_balancer_is_delivered_and_known_for_older_releases(
    values: dict[str, str], seconds: float
) -> None:
    assert this_machine({**VALUES, **values}).balancer_notices_seconds == seconds


def test_a_time_that_is_no_number_is_named() -> None:
    with pytest.raises(Failure, match="LOAD_BALANCER_NOTICES_SECONDS to 'soon', which is not a number"):
        this_machine({**VALUES, "LOAD_BALANCER_NOTICES_SECONDS": "soon"})
