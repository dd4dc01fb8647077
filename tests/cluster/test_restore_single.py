"""The one machine of `education`, with etcd beside its API server, goes back to a snapshot, and forward again."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from components.delivery.node_files import PROGRAM
from tests.cluster.conftest import UP, made_workspace
from tests.cluster.on_machines import on_machine
from tests.cluster.restoring import SINCE, Restoring

pytestmark = [pytest.mark.cluster, pytest.mark.drill]


@pytest.fixture(scope="module")
def restoring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restoring]:
    with made_workspace(tmp_path_factory, "education") as workspace:
        workspace.set("backups", "enabled", True)
        workspace.pulumi(*UP)
        found = Restoring(workspace)
        found.fill()
        yield found


def snapshot() -> str:
    """The id of one that is taken now."""
    print(on_machine(PROGRAM, "take-snapshot", "--now"))
    return str(json.loads(on_machine("cat", "/var/lib/quorate/snapshot.json"))["lastSuccess"]["id"])


def test_all_objects_are_as_they_were_when_the_snapshot_was_taken(restoring: Restoring) -> None:
    before, taken = restoring.objects(), snapshot()
    restoring.go_on()
    restoring.workspace.kubectl("delete", "namespace", "shop")
    assert "is back at" in restoring.restore("--snapshot", taken)
    restoring.assert_as_before(before)
    assert restoring.workspace.changes(*UP) == {}


def test_a_restore_that_is_interrupted_goes_on_or_back(restoring: Restoring) -> None:
    before, taken = restoring.objects(), snapshot()
    restoring.go_on()
    since = restoring.objects()
    restoring.interrupt("exchange the data of all members", "--snapshot", taken)
    restoring.restore("--undo")
    restoring.assert_as_before(since)
    restoring.interrupt("start the members", "--snapshot", taken)
    restoring.restore()
    restoring.assert_as_before(before)
    restoring.restore("--undo")
    restoring.assert_as_before(since)
    assert ("namespaces", "", SINCE) in since


def test_a_member_that_lost_its_data_gets_it_back(restoring: Restoring) -> None:
    before, taken = restoring.objects(), snapshot()
    on_machine("bash", "-c", "crictl stop --timeout 0 $(crictl ps -q --name '^etcd$'); rm -rf /var/lib/etcd/data/*")
    # The kubelet starts it again, and it begins an empty cluster.
    restoring.restore("--snapshot", taken)
    restoring.assert_as_before(before)
    assert restoring.workspace.changes(*UP) == {}
