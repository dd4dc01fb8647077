"""The turn of a control plane, and what it asks other machines, over real TLS on loopback."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from components.node.common.failure import Failure
from components.node.common.https import Trust
from components.node.control_plane import cluster
from components.node.control_plane.cluster import Cluster
from components.node.etcd.client import EtcdClient
from tests.components.node.aws_services import LocalAws, aws_of_this_process
from tests.components.node.control_plane.control_plane import Prepared, prepared
from tests.components.node.control_plane.target_groups import TargetGroups
from tests.components.node.etcd import gateway


@dataclass(frozen=True)
class Reachable(Cluster):
    """With etcd at `client`."""

    client: EtcdClient = field(default_factory=lambda: EtcdClient(Trust(Path("/nowhere")), []))

    def etcd(self) -> EtcdClient:
        return self.client


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> gateway.Authority:
    return gateway.Authority(tmp_path_factory.mktemp("authority") / "pki").make("127.0.0.1")


@pytest.fixture
def etcd() -> gateway.Cluster:
    return gateway.Cluster()


@pytest.fixture
def client(etcd: gateway.Cluster, authority: gateway.Authority) -> Iterator[EtcdClient]:
    with gateway.serving(etcd, authority, "127.0.0.1", 0) as endpoint:
        yield EtcdClient(authority.trust, [endpoint])


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    node = prepared(tmp_path, monkeypatch, others=("10.0.0.2",))
    machine = dataclasses.replace(node.machine, balancer_notices_seconds=12, target_groups=("internal", "public"))
    return dataclasses.replace(node, machine=machine)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    with aws_of_this_process(monkeypatch) as aws:
        monkeypatch.setattr("components.node.common.waiting.time.sleep", lambda _: None)
        yield aws


def target(*states: str) -> TargetGroups:
    """The groups' answers while this machine's API server goes through these states in one of them."""
    others = {"10.0.0.2": ["unhealthy"]}
    return TargetGroups({"internal": {"10.0.0.1": ["healthy"], **others}, "public": {"10.0.0.1": [*states]}})


def keys(etcd: gateway.Cluster) -> list[str]:
    return [gateway.decoded(key) for key in etcd.keys]


def test_a_turn_ends_when_the_load_balancers_use_this_api_server_again(
    node: Prepared, etcd: gateway.Cluster, client: EtcdClient, aws: LocalAws
) -> None:
    groups, locked = target("unhealthy", "unhealthy", "unhealthy", "healthy"), []

    def answer(query: dict[str, str]) -> tuple[int, str]:
        locked.append(keys(etcd))
        return groups.answer(query)

    aws.balancing = answer
    slept: list[float] = []
    with Reachable(node.machine, slept.append, client).turn():
        assert locked == []
    assert groups.states["public"]["10.0.0.1"] == ["healthy"], "it has asked until it was"
    assert all(found == ["quorate/lock/configure-control-plane"] for found in locked)
    assert keys(etcd) == []
    assert slept == []


def test_a_turn_fails_where_the_load_balancers_never_use_this_api_server_again(
    node: Prepared, etcd: gateway.Cluster, client: EtcdClient, aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "TARGET_BECOMES_HEALTHY", 0)
    aws.balancing = target("unhealthy").answer
    with (
        pytest.raises(Failure, match=r"10\.0\.0\.1 is unhealthy in public"),
        Reachable(node.machine, client=client).turn(),
    ):
        pass
    assert keys(etcd) == []


def test_a_turn_that_failed_says_why_and_not_that_the_target_is_unhealthy(
    node: Prepared, etcd: gateway.Cluster, client: EtcdClient, aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "TARGET_BECOMES_HEALTHY", 0)
    aws.balancing = target("unhealthy").answer
    with pytest.raises(Failure, match="broken"), Reachable(node.machine, client=client).turn():
        raise Failure("broken")
    assert keys(etcd) == []


def test_where_load_balancers_cannot_be_asked_a_turn_lasts_until_they_have_noticed(
    node: Prepared, etcd: gateway.Cluster, client: EtcdClient, aws: LocalAws
) -> None:
    aws.balancing = lambda query: (403, "<Error><Code>AccessDenied</Code></Error>")
    slept = []

    def sleep(seconds: float) -> None:
        slept.append((seconds, keys(etcd)))

    lock = ["quorate/lock/configure-control-plane"]
    with Reachable(node.machine, sleep, client).turn() as held:
        held.check()
        assert keys(etcd) == lock
        assert slept == []
    assert slept == [(12, lock)]
    assert keys(etcd) == []


def test_a_turn_ends_for_a_machine_that_failed_too(
    node: Prepared, etcd: gateway.Cluster, client: EtcdClient, aws: LocalAws
) -> None:
    aws.balancing = lambda query: (403, "<Error><Code>AccessDenied</Code></Error>")
    slept: list[float] = []
    with pytest.raises(Failure, match="broken"), Reachable(node.machine, slept.append, client).turn():
        raise Failure("broken")
    assert slept == [12]
    assert keys(etcd) == []


def test_what_a_release_with_shell_scripts_has_locked_is_ignored_and_goes_with_the_turn(
    node: Prepared, client: EtcdClient, aws: LocalAws
) -> None:
    aws.balancing = target("healthy").answer
    with Reachable(node.machine, lambda _: None, client).turn():
        assert not node.programs.calls_with("quorate-configuration")
    (call,) = node.programs.calls_with("quorate-configuration")
    assert call.endswith("delete configmap quorate-configuration --namespace kube-system --ignore-not-found")


def test_a_former_lock_that_cannot_be_removed_is_reported_and_fails_nothing(
    node: Prepared, client: EtcdClient, aws: LocalAws, capfd: pytest.CaptureFixture[str]
) -> None:
    aws.balancing = target("healthy").answer
    node.programs.program("kubectl", ("configmap", 1, "the server is gone\n"))
    with Reachable(node.machine, lambda _: None, client).turn():
        pass
    assert "configmap kube-system/quorate-configuration may be left: " in (printed := capfd.readouterr().out)
    assert "the server is gone" in printed


def test_the_members_that_grant_the_turn_are_this_machine_and_the_others(node: Prepared) -> None:
    assert Cluster(node.machine).etcd().endpoints == ("https://10.0.0.1:2379", "https://10.0.0.2:2379")


def test_etcd_on_machines_of_its_own_grants_the_turn_where_the_documents_say_so(node: Prepared) -> None:
    external = "kind: ClusterConfiguration\netcd: {external: {endpoints: ['https://10.0.9.1:2379']}}\n"
    node.machine.folders.configuration.write_text(external)
    assert Cluster(node.machine).etcd().endpoints == ("https://10.0.9.1:2379",)


def test_where_no_api_server_listens_none_exists_and_none_answers(node: Prepared) -> None:
    asked = Cluster(node.machine)
    # An address of loopback on which nothing listens.
    assert not asked.api_exists("127.80.200.1")
    with pytest.raises(Failure, match="does not answer"):
        asked.api_answers("127.80.200.1")
