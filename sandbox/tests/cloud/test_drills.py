"""Faults on an account without machines: what the network and the host would do is noted in place of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.cloud import projection
from sandbox.cloud.drills import Drills, machine_named
from sandbox.cloud.faults import FAILING_CHECKS, SLOW_BALANCERS, Cut, Faults
from sandbox.cloud.handshakes import Handshakes
from sandbox.cloud.wiring import link_name
from sandbox.errors import SandboxError
from sandbox.tests.cloud.api.account import Account


class NotedHandshakes(Handshakes):
    """Those that nftables would fail."""

    def __init__(self) -> None:
        self.noted: set[str] = set()

    def fail(self, interface: str) -> None:
        self.noted.add(interface)

    def heal(self, interface: str) -> None:
        self.noted.discard(interface)

    def failing(self) -> set[str]:
        return self.noted


class Stage:
    """Two machines in two zones."""

    def __init__(self, account: Account, file: Path) -> None:
        vpc = account.vpc()
        self.account = account
        self.first, self.second = (
            account.instance(
                SubnetId=account.subnet(vpc, f"10.50.{n}.0/24", zone),
                TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": f"etcd-{n}"}]}],
            )
            for n, zone in enumerate("ab")
        )
        self.faults = Faults(file)
        self.handshakes = NotedHandshakes()
        self.drills = Drills(account.api, self.faults, self.handshakes, lambda: None, self._machine_state)

    def ask(self, fault: str, name: str = "") -> str:
        return self.drills.handle({"fault": fault, "name": name})

    def cut_links(self) -> list[Cut]:
        return projection.cuts_of(self.account.api.view(), self.faults.zones, self.faults.machines)

    def _machine_state(self, instance_id: str) -> str:
        found = next((i for i in self.account.api.view().instances if i.id == instance_id), None)
        return "running" if found and found.state == "running" and not found.impaired else "absent"


@pytest.fixture
def stage(account: Account, tmp_path: Path) -> Stage:
    return Stage(account, tmp_path / "faults.json")


def test_a_zone_is_cut_with_all_its_machines_and_healed(stage: Stage) -> None:
    stage.ask("cut-zone", "a")
    assert stage.cut_links() == [Cut((link_name(stage.first),))]
    assert stage.drills.active() == ["zone eu-central-1a is cut off"]
    stage.ask("heal-zone", "eu-central-1a")
    assert stage.cut_links() == []


def test_a_machine_launched_into_a_cut_zone_is_cut_too(stage: Stage) -> None:
    stage.ask("cut-zone", "b")
    subnet = stage.account.described(stage.second)["SubnetId"]
    another = stage.account.instance(SubnetId=subnet)
    (cut,) = stage.cut_links()
    assert set(cut.interfaces) == {link_name(stage.second), link_name(another)}


def test_a_closed_zone_is_not_listed_as_available_until_it_is_healed(stage: Stage) -> None:
    def available() -> list[str]:
        filters = [{"Name": "state", "Values": ["available"]}]
        return [
            z["ZoneName"] for z in stage.account.ec2.describe_availability_zones(Filters=filters)["AvailabilityZones"]
        ]

    stage.ask("close-zone", "a")
    assert available() == ["eu-central-1b", "eu-central-1c"]
    assert stage.drills.active() == ["zone eu-central-1a is unavailable"]
    assert stage.account.described(stage.first)["State"]["Name"] == "running", "what is there goes on"
    stage.ask("heal-zone", "a")
    assert available()[0] == "eu-central-1a"
    assert stage.drills.active() == []


@pytest.mark.parametrize("fault", ["stop", "kill", "cut", "fail-handshake"])
def test_every_fault_of_a_machine_shows_and_is_healed(stage: Stage, fault: str) -> None:
    stage.ask(fault, "etcd-0")
    (line,) = stage.drills.active()
    assert f"etcd-0 ({stage.first}) " in line
    stage.ask("heal", stage.first)
    assert stage.drills.active() == []


def test_a_killed_machine_fails_its_status_checks_and_is_running_for_ec2(stage: Stage) -> None:
    stage.ask("kill", "etcd-1")
    (status,) = stage.account.ec2.describe_instance_status(InstanceIds=[stage.second])["InstanceStatuses"]
    assert status["InstanceState"]["Name"] == "running"
    assert {status["SystemStatus"]["Status"], status["InstanceStatus"]["Status"]} == {"impaired"}


@pytest.mark.parametrize("fault", ["stop", "kill"])
def test_a_machine_that_is_off_is_silent_until_it_is_healed(stage: Stage, fault: str) -> None:
    stage.ask(fault, "etcd-0")
    assert stage.cut_links() == [Cut((link_name(stage.first),))]
    stage.ask("heal", "etcd-0")
    assert stage.cut_links() == []


def test_a_protected_machine_is_not_terminated(stage: Stage) -> None:
    stage.account.ec2.modify_instance_attribute(InstanceId=stage.first, DisableApiTermination={"Value": True})
    with pytest.raises(SandboxError, match="OperationNotPermitted"):
        stage.ask("terminate", "etcd-0")


@pytest.mark.parametrize(
    ("name", "said"),
    [("nobody", "no machine is called 'nobody'; machines: etcd-0"), ("workers", "2 machines are called 'workers'")],
)
def test_a_name_that_says_no_machine_or_several_is_refused(stage: Stage, name: str, said: str) -> None:
    subnet = stage.account.described(stage.first)["SubnetId"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "workers"}]}]
    for _ in range(2):
        stage.account.instance(SubnetId=subnet, TagSpecifications=tags)
    with pytest.raises(SandboxError, match=said):
        stage.ask("cut", name)


@pytest.mark.parametrize("called", [lambda i: i.id, lambda i: i.private_ip, lambda i: f"general-{i.id}"])
def test_a_machine_is_found_by_what_people_know_it_by(stage: Stage, called: Callable[..., str]) -> None:
    view = stage.account.api.view()
    for instance in view.instances:
        assert machine_named(view, called(instance)) == instance


def test_an_unknown_zone_or_fault_is_refused_with_what_there_is(stage: Stage) -> None:
    with pytest.raises(SandboxError, match="zones: eu-central-1a, eu-central-1b, eu-central-1c"):
        stage.ask("cut-zone", "d")
    with pytest.raises(SandboxError, match="no fault is called 'melt'"):
        stage.ask("melt", "etcd-0")


def test_faults_of_load_balancers_hold_together_until_they_are_healed(stage: Stage) -> None:
    stage.ask("slow-balancer")
    stage.ask("fail-checks")
    assert stage.faults.balancers == {SLOW_BALANCERS, FAILING_CHECKS}
    assert stage.drills.active() == ["load balancers are slow", "every health check of the load balancers fails"]
    stage.ask("heal-balancer")
    assert not stage.faults.balancers
    assert stage.drills.active() == []


def test_a_handshake_that_has_failed_is_no_fault_any_more(stage: Stage) -> None:
    stage.ask("fail-handshake", "etcd-0")
    assert stage.handshakes.noted == {link_name(stage.first)}
    assert stage.drills.active() == [f"the next SSH handshake of etcd-0 ({stage.first}) fails"]
    stage.handshakes.noted.clear()
    assert stage.drills.active() == []


def test_a_zone_lacks_the_types_that_were_named_until_it_is_healed(stage: Stage) -> None:
    for zone, machine_type in (("b", "m7i.large"), ("eu-central-1b", "t3.large"), ("c", "m7i.large")):
        stage.ask("lack-type", f"{zone}={machine_type}")
    lines = [f"zone eu-central-1{lack}" for lack in ("b lacks m7i.large", "b lacks t3.large", "c lacks m7i.large")]
    assert stage.drills.active() == lines
    stage.ask("heal-zone", "b")
    assert stage.drills.active() == lines[2:]


@pytest.mark.parametrize("name", ["", "b", "b=", "=m7i.large"])
def test_a_zone_without_a_type_or_a_type_without_a_zone_is_refused(stage: Stage, name: str) -> None:
    with pytest.raises(SandboxError, match=rf"as in `lack-type b=m7i.large`, and '{name}' was given"):
        stage.ask("lack-type", name)


def test_a_type_that_aws_does_not_have_is_refused(stage: Stage) -> None:
    with pytest.raises(SandboxError, match=r"InvalidInstanceType.*m7i\.lrge"):
        stage.ask("lack-type", "b=m7i.lrge")
    with pytest.raises(SandboxError, match="no zone is called 'd'"):
        stage.ask("lack-type", "d=m7i.large")
    assert stage.drills.active() == []


def test_faults_of_services_hold_until_each_is_healed(stage: Stage) -> None:
    stage.ask("late-profiles")
    stage.ask("silence-parameters")
    assert stage.drills.active() == ["EC2 learns late of instance profiles", "the parameter store is silent"]
    assert stage.faults.is_silent("ssm.eu-central-1.amazonaws.com")
    assert not stage.faults.is_silent("ssmmessages.eu-central-1.amazonaws.com")
    stage.ask("heal-profiles")
    assert stage.drills.active() == ["the parameter store is silent"]
    stage.ask("heal-parameters")
    assert stage.drills.active() == []
    assert not stage.faults.is_silent("ssm.eu-central-1.amazonaws.com")


def test_who_is_meant_is_said_where_it_must_be(stage: Stage) -> None:
    with pytest.raises(SandboxError, match="stop needs the name of a machine"):
        stage.ask("stop")
    with pytest.raises(SandboxError, match="cut-zone needs the name of a zone"):
        stage.ask("cut-zone")
    with pytest.raises(SandboxError, match="slow-balancer is about all load balancers"):
        stage.ask("slow-balancer", "prod-internal")
    with pytest.raises(SandboxError, match="late-profiles is about the whole region"):
        stage.ask("late-profiles", "worker")


def test_faults_at_the_same_time_do_not_lose_each_other(stage: Stage, tmp_path: Path) -> None:
    subnet = stage.account.described(stage.first)["SubnetId"]
    machines = [stage.account.instance(SubnetId=subnet) for _ in range(16)]
    for fault, cut in (("cut", set(machines)), ("heal", set[str]())):
        with ThreadPoolExecutor(len(machines)) as askers:
            assert len(list(askers.map(stage.ask, [fault] * len(machines), machines))) == len(machines)
        assert stage.faults.machines == Faults(tmp_path / "faults.json").machines == cut
