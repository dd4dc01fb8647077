"""Static pods that stop for a restore and start again, as the kubelet and containerd show it."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.node.common import log
from components.node.common.failure import Failure
from components.node.restore import pods
from components.node.restore.pods import API_SERVER, CONTROLLERS, StoppedPods
from tests.components.node.restore.restoring import programs
from tests.components.node.stand_ins import StandIns


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    return programs(tmp_path / "programs", monkeypatch)


@pytest.fixture
def stopped(tmp_path: Path) -> StoppedPods:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    for name in (API_SERVER, *CONTROLLERS, "etcd"):
        (manifests / f"{name}.yaml").write_text(name)
    return StoppedPods(manifests, tmp_path / "stopped")


def names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.iterdir())


def test_the_kubelet_loses_sight_of_them_and_their_containers_end_in_a_moment(
    stopped: StoppedPods, called: StandIns
) -> None:
    called.program("crictl", ("ps --quiet --state Running --name ^kube-apiserver$", 0, "4711\n"))
    stopped.stop((API_SERVER, *CONTROLLERS))
    assert names(stopped.manifests) == ["etcd"]
    assert called.calls_with("crictl stop") == ["crictl stop --timeout 5 4711"]
    assert called.calls.index("systemctl start kubelet") < called.calls.index("crictl stop --timeout 5 4711")
    assert (stopped.aside.stat().st_mode & 0o777) == 0o700
    assert stopped.manifest("etcd") == stopped.manifests / "etcd.yaml"
    assert stopped.manifest(API_SERVER).read_text() == API_SERVER


def test_etcd_has_the_time_to_end_in_order(stopped: StoppedPods, called: StandIns) -> None:
    called.program("crictl", ("--name ^etcd$", 0, "17\n"))
    stopped.stop(("etcd",))
    assert called.calls_with("crictl stop") == ["crictl stop --timeout 30 17"]


def test_it_waits_until_the_kubelet_has_ended_the_pod_and_says_so(stopped: StoppedPods, called: StandIns) -> None:
    called.program("crictl", ("pods --quiet --state Ready --label component=kube-apiserver", 0, "sandbox\n"))
    with pytest.raises(Failure, match="the kubelet has not ended kube-apiserver yet"):
        stopped.stop((API_SERVER, *CONTROLLERS), 0)


def test_they_start_as_they_were_and_a_second_call_changes_nothing(stopped: StoppedPods, called: StandIns) -> None:
    stopped.stop((API_SERVER, *CONTROLLERS))
    stopped.stop((API_SERVER, *CONTROLLERS))
    for _ in range(2):
        stopped.start((API_SERVER,))
        assert names(stopped.manifests) == ["etcd", API_SERVER]
    for _ in range(2):
        stopped.start(CONTROLLERS)
        assert names(stopped.manifests) == ["etcd", API_SERVER, *CONTROLLERS]
    assert not stopped.aside.exists()
    assert pods.MEMBER in names(stopped.manifests)
