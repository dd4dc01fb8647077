"""What `observe` and `observe-cluster` print, by a machine's files and stand-ins for its programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.node.common import environment, log
from components.node.common.failure import Failure
from components.node.control_plane.load_balancers import Target
from components.node.observed import cluster, machine
from components.node.observed.machine import Places, observe
from components.node.restore.record import write_record
from tests.components.node.restore.restoring import RECORD
from tests.components.node.stand_ins import StandIns, stand_ins

ENVIRONMENT = "CLUSTER_NAME=test\nMACHINE_NAME=control-plane-0\nNODE_ADDRESS=10.0.0.10\n"
FAILED = (
    "quorate-snapshot.service loaded failed failed Snapshot of etcd\napt-daily.service loaded failed failed Daily\n"
)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(environment, "ETC", tmp_path / "etc")
    monkeypatch.setattr(machine, "compare_clock", lambda: None)
    found = stand_ins(tmp_path / "programs", monkeypatch)
    for name in ("systemctl", "kubectl"):
        found.program(name)
    return found


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "root").mkdir()
    (tmp_path / "disk").mkdir()
    return Places(
        tmp_path / "root", tmp_path / "disk", tmp_path / "admin.conf", tmp_path / "outcome", tmp_path / "record"
    )


def role(tmp_path: Path, name: str, more: str = "") -> None:
    (tmp_path / "etc").mkdir(exist_ok=True)
    (tmp_path / "etc" / "node.env").write_text(f"{ENVIRONMENT}ROLE={name}\n{more}")


def test_a_control_plane_whose_etcd_is_elsewhere(programs: StandIns, places: Places, tmp_path: Path) -> None:
    role(tmp_path, "control-plane")
    found = dict(observe(places))
    (disk,) = found.pop("disks")
    assert disk["path"] == str(places.root)
    assert 0 < disk["freeBytes"] < disk["bytes"]
    assert found == {
        "cluster": "test",
        "clock": "",
        "awaitsReboot": False,
        "failedUnits": [],
        "certificates": [],
        "member": None,
        "apiServer": "",
        "snapshots": {},
        "restoreSince": "",
    }
    (call,) = programs.calls_with("kubectl")
    assert "--server https://10.0.0.10:6443 get --raw /readyz" in call


def test_what_is_not_well_says_why(
    programs: StandIns, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role(tmp_path, "control-plane")
    programs.program("systemctl", ("list-units --failed", 0, FAILED))
    programs.program("kubectl", ("/readyz", 1, "connection refused"))
    (places.root / "run").mkdir()
    (places.root / "run" / "reboot-required").touch()
    places.outcome.write_text('{"lastFailure": {"reason": "no room"}}')
    write_record(RECORD, places.record)

    def wrong() -> None:
        raise Failure("it is 30s ahead")

    monkeypatch.setattr(machine, "compare_clock", wrong)
    found = observe(places)
    assert found["failedUnits"] == ["quorate-snapshot.service", "apt-daily.service"]
    assert "connection refused" in found["apiServer"]
    assert (found["awaitsReboot"], found["clock"]) == (True, "it is 30s ahead")
    assert found["snapshots"] == {"lastFailure": {"reason": "no room"}}
    assert found["restoreSince"] == RECORD.begun


def test_a_machine_with_a_member_has_its_disk_too(
    programs: StandIns, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role(tmp_path, "etcd", "ETCD_VOLUME_ID=vol-1\nETCD_VERSION=3.6.14\n")
    monkeypatch.setattr(machine, "member", lambda client: {"why": str(client.endpoints)})
    found = observe(places)
    assert [disk["path"] for disk in found["disks"]] == [str(places.root), str(places.etcd_disk)]
    assert found["member"] == {"why": "('https://10.0.0.10:2379',)"}
    assert found["apiServer"] is None
    places.etcd_disk.rmdir()
    assert "No such file" in observe(places)["disks"][1]["why"]


NODES = (
    r"control-plane-0\t\tTrue\tKubeletReady\taws:///a/i-0c\tv1.36.4\t\tReady\n"
    r"general-i-0a\tgeneral\tUnknown\tNodeStatusUnknown\t\tv1.36.4\ttrue\tDiskPressure\n"
)


@pytest.mark.usefixtures("programs")
def test_the_cluster_by_one_of_its_api_servers(
    programs: StandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    role(
        tmp_path,
        "control-plane",
        "NETWORK_PLUGIN_WORKLOAD=kube-flannel/daemonset/flannel\nTARGET_GROUPS='t-internal'\n",
    )
    asked: list[tuple[str, ...]] = []

    def targets(groups: tuple[str, ...]) -> tuple[Target, ...]:
        asked.append(tuple(groups))
        return (Target("t-internal", "10.0.0.10", "unhealthy", "Target.FailedHealthChecks"),)

    monkeypatch.setattr(cluster, "targets_of", targets)
    programs.program(
        "kubectl",
        ("get nodes", 0, NODES),
        ("get deployments --namespace kube-system", 0, r"coredns\t2\t1\nmetrics-server\t1\t\n"),
        ("get daemonsets --namespace kube-system", 0, r"kube-proxy\t2\t2\n"),
        ("get daemonsets --namespace kube-flannel", 0, r"flannel\t2\t2\n"),
        (
            "get pods --namespace kube-system",
            0,
            r"coredns-1\tRunning\tTrue\t\t\ncoredns-2\tPending\tFalse\tContainersNotReady\tImagePullBackOff\n"
            r"once\tSucceeded\tFalse\tPodCompleted\t\n",
        ),
    )
    assert cluster.main([]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(node["name"], node["ready"], node["version"], node["unschedulable"]) for node in found["nodes"]] == [
        ("control-plane-0", "True", "v1.36.4", ""),
        ("general-i-0a", "Unknown", "v1.36.4", "true"),
    ]
    assert found["nodes"][1]["conditions"] == "DiskPressure"
    assert found["workloads"] == [
        {"name": "kube-flannel/daemonset/flannel", "wanted": 2, "available": 2},
        {"name": "kube-system/deployment/coredns", "wanted": 2, "available": 1},
        {"name": "kube-system/deployment/metrics-server", "wanted": 1, "available": 0},
        {"name": "kube-system/daemonset/kube-proxy", "wanted": 2, "available": 2},
    ]
    assert found["pods"] == [{"name": "kube-system/coredns-2", "why": "Pending, ContainersNotReady, ImagePullBackOff"}]
    assert (found["targets"][0]["state"], found["targetsWhy"], asked) == ("unhealthy", "", [("t-internal",)])
    assert all("--server https://10.0.0.10:6443" in call for call in programs.calls_with("kubectl"))


@pytest.mark.usefixtures("programs")
def test_load_balancers_that_cannot_be_asked_do_not_hide_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role(tmp_path, "control-plane", "NETWORK_PLUGIN_WORKLOAD=kube-system/daemonset/calico-node\n")

    def refused(groups: tuple[str, ...]) -> tuple[Target, ...]:
        raise Failure("AccessDenied")

    monkeypatch.setattr(cluster, "targets_of", refused)
    found = cluster.observe_cluster()
    assert (found["targets"], found["targetsWhy"], found["nodes"]) == ([], "AccessDenied", [])


def test_an_api_server_that_does_not_answer_is_a_failure(
    programs: StandIns, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    role(tmp_path, "control-plane", "NETWORK_PLUGIN_WORKLOAD=kube-system/daemonset/calico-node\n")
    programs.program("kubectl", ("get nodes", 1, "connection refused"))
    assert cluster.main([]) == 1
    assert "connection refused" in "".join(capsys.readouterr())


@pytest.mark.parametrize("step", [machine.main, cluster.main])
def test_an_argument_is_refused(step: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(step)
    assert step(["all"]) == 2
    assert "usage: quorate-node observe" in capsys.readouterr().err
