from __future__ import annotations

import pytest

from sandbox.bench import timeline
from sandbox.bench.events import Moment, MomentMissing
from sandbox.bench.timeline import MachineTimes

INSTANCE = "aws:ec2/instance:Instance"
COMMAND = "command:remote:Command"


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:prod::quorate::quorate:index:Cluster${type_}::{name}"


def span(begun: float, finished: float, type_: str, name: str) -> list[Moment]:
    metadata = {"metadata": {"op": "create", "urn": urn(type_, name)}}
    return [Moment(begun, {"resourcePreEvent": metadata}), Moment(finished, {"resOutputsEvent": metadata})]


def line(at: float, name: str, message: str) -> Moment:
    return Moment(at, {"diagnosticEvent": {"urn": urn(COMMAND, name), "message": message}})


def log(*moments: Moment) -> list[Moment]:
    return sorted(moments, key=lambda moment: moment.at)


ONE = log(
    *span(114, 125, INSTANCE, "education-control-plane-0-instance"),
    *span(125, 142.5, COMMAND, "education-control-plane-0-configure"),
    line(135.5, "education-control-plane-0-configure", "12:46:23 initialize-control-plane: kubeadm init, Kubernetes 1"),
    line(142, "education-control-plane-0-configure", "12:46:29 initialize-control-plane: the control plane is up"),
    line(153, "education-ready", "12:46:40 wait-ready: node control-plane-0 is Ready"),
    *span(143, 154, COMMAND, "education-ready"),
    *span(154, 164, COMMAND, "education-service"),
)
ONE_MACHINE = [MachineTimes(115, 120)]

SEVERAL = log(
    *span(10, 20, INSTANCE, "prod-bastion-instance"),
    *span(12, 23, INSTANCE, "prod-etcd-0-instance"),
    *span(12, 23, INSTANCE, "prod-control-plane-0-instance"),
    *span(24, 40, COMMAND, "prod-etcd-0-configure"),
    *span(24, 42, COMMAND, "prod-etcd-1-configure"),
    *span(42, 53, COMMAND, "prod-control-plane-0-configure"),
    line(43, "prod-control-plane-0-configure", "initialize-control-plane: kubeadm init, Kubernetes 1.36.4"),
    line(52, "prod-control-plane-0-configure", "initialize-control-plane: the control plane is up"),
    *span(53, 75, COMMAND, "prod-control-plane-1-configure"),
    *span(53, 62, COMMAND, "prod-control-plane-0-endpoint"),
    *span(75, 79, COMMAND, "prod-control-plane-1-endpoint"),
    line(90, "prod-ready", "wait-ready: node control-plane-0 is Ready"),
    line(95, "prod-ready", "wait-ready: node general-i-1 is Ready"),
    *span(80, 98, COMMAND, "prod-ready"),
    *span(98, 110, COMMAND, "prod-service"),
)
# The bastion prepares nothing; a worker boots last.
FLEET = [MachineTimes(11, None), MachineTimes(13, 25), MachineTimes(15, 33)]


def test_the_parts_of_an_up_add_up_to_the_whole() -> None:
    found = timeline.timeline(100, ONE, ONE_MACHINE, 164.5)
    assert sum(found.parts.values()) == pytest.approx(64.5)
    assert found.parts[timeline.BEFORE_INSTANCES] == 14
    assert found.parts[timeline.BOOT] == 1
    assert found.parts[timeline.PREPARATION] == 5
    assert found.parts[timeline.PROVIDER_WAITS] == 15.5
    assert found.parts[timeline.KUBEADM] == 6.5
    assert (found.boot_to_ready, found.preparation_to_ready) == (38, 33)


def test_one_machine_has_no_quorum_no_balancer_and_no_joins_to_wait_for() -> None:
    parts = timeline.timeline(100, ONE, ONE_MACHINE, 164.5).parts
    assert not {timeline.QUORUM, timeline.BALANCER, timeline.JOINS} & parts.keys()


def test_of_several_machines_the_last_one_counts_at_each_step() -> None:
    found = timeline.timeline(0, SEVERAL, FLEET, 111)
    assert found.parts == {
        timeline.BEFORE_INSTANCES: 10,
        timeline.BOOT: 5,
        timeline.PREPARATION: 18,
        timeline.QUORUM: 9,
        timeline.PROVIDER_WAITS: 1,
        timeline.KUBEADM: 9,
        timeline.JOINS: 23,
        timeline.BALANCER: 4,
        timeline.NETWORK_PLUGIN: 16,
        timeline.SYSTEM_PODS: 3,
        timeline.ADDONS: 12,
        timeline.ENDING: 1,
    }
    assert found.boot_to_ready == 80


def test_what_ends_while_an_earlier_part_still_runs_takes_no_time_of_its_own() -> None:
    late = [*FLEET[:2], MachineTimes(15, 55)]
    parts = timeline.timeline(0, SEVERAL, late, 111).parts
    assert [parts[name] for name in (timeline.QUORUM, timeline.PROVIDER_WAITS, timeline.KUBEADM)] == [0, 0, 0]
    assert parts[timeline.JOINS] == 20
    assert sum(parts.values()) == 111


@pytest.mark.parametrize("missing", ["kubeadm init", "is up", "is Ready", "-service", "-ready", "-instance"])
def test_a_log_that_lacks_a_moment_gives_no_figures(missing: str) -> None:
    with pytest.raises(MomentMissing):
        timeline.timeline(100, [moment for moment in ONE if missing not in str(moment.event)], ONE_MACHINE, 164.5)
