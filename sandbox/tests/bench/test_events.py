from __future__ import annotations

from typing import Any

import pytest

from sandbox.bench.events import Moment, MomentMissing, begun_first, finished, finished_last, said, said_last

INSTANCE = "aws:ec2/instance:Instance"
COMMAND = "command:remote:Command"


def resource(at: float, kind: str, type_: str, name: str) -> Moment:
    urn = f"urn:pulumi:education::quorate::quorate:index:Cluster$quorate:machines:Machine${type_}::{name}"
    return Moment(at, {"sequence": 1, kind: {"metadata": {"op": "create", "urn": urn}}})


def line(at: float, name: str, message: str) -> Moment:
    event: dict[str, Any] = {"message": message, "severity": "info"}
    if name:
        event["urn"] = f"urn:pulumi:education::quorate::{COMMAND}::{name}"
    return Moment(at, {"diagnosticEvent": event})


LOG = [
    Moment(100.2, {"preludeEvent": {"config": {}}}),
    line(100.3, "", "registering resource"),
    resource(114.0, "resourcePreEvent", INSTANCE, "education-control-plane-0-instance"),
    resource(125.0, "resOutputsEvent", INSTANCE, "education-control-plane-0-instance"),
    line(126.0, "education-control-plane-0-configure", "12:46:13 prepare-machine: begins"),
    line(126.5, "education-control-plane-0-configure", "12:46:14 prepare-machine: done"),
    line(135.5, "education-control-plane-0-configure", "12:46:23 initialize-control-plane: kubeadm init, Kubernetes 1"),
    line(142.0, "education-control-plane-0-configure", "12:46:29 initialize-control-plane: the control plane is up"),
    line(153.0, "education-ready", "12:46:40 wait-ready: node control-plane-0 is Ready"),
    resource(153.1, "resourcePreEvent", COMMAND, "education-service"),
    resource(154.0, "resOutputsEvent", COMMAND, "education-ready"),
    resource(164.0, "resOutputsEvent", COMMAND, "education-service"),
]


def test_a_resource_finishes_at_its_event() -> None:
    assert finished(LOG, INSTANCE, "-control-plane-0-instance") == 125.0


def test_a_resource_of_the_same_name_and_another_type_is_another() -> None:
    with pytest.raises(MomentMissing, match="0 events resOutputsEvent of a aws:ebs/volume:Volume"):
        finished(LOG, "aws:ebs/volume:Volume", "-control-plane-0-instance")


def test_a_replaced_resource_is_refused_since_it_ends_twice() -> None:
    with pytest.raises(MomentMissing, match="2 events"):
        finished([*LOG, LOG[3]], INSTANCE, "-control-plane-0-instance")


def test_what_was_said_counts_from_the_first_time_and_names_what_is_missing() -> None:
    assert said(LOG, "-configure", "prepare-machine") == 126.0
    with pytest.raises(MomentMissing, match="-ready never said 'nonsense'"):
        said(LOG, "-ready", "nonsense")


def test_of_several_the_first_begin_and_the_last_end_count() -> None:
    log = [
        *LOG,
        resource(170.0, "resourcePreEvent", INSTANCE, "education-control-plane-1-instance"),
        resource(171.0, "resOutputsEvent", INSTANCE, "education-control-plane-1-instance"),
    ]
    assert begun_first(log, INSTANCE, "-instance") == 114.0
    assert finished_last(log, INSTANCE, r"-control-plane-\d+-instance") == 171.0
    with pytest.raises(MomentMissing, match="0 events resOutputsEvent"):
        finished_last(log[:-1], INSTANCE, r"-control-plane-\d+-instance")
    with pytest.raises(MomentMissing, match="there is no"):
        finished_last(log, INSTANCE, r"-etcd-\d+-instance")


def test_what_was_said_twice_has_a_last_time() -> None:
    log = [*LOG, line(180.0, "education-ready", "12:47:00 wait-ready: node general-1 is Ready")]
    assert said(log, "-ready", " is Ready") == 153.0
    assert said_last(log, "-ready", " is Ready") == 180.0
