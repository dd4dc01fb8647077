"""Every step and every file that the program delivers is declared, and a changed part leads to what it restarts."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

import components.node
from components.delivery import effects
from components.delivery.control_plane_files import control_plane_files
from components.delivery.effects import KUBEADM, STEPS, Interruption, changed_parts, step_of
from components.delivery.etcd_files import etcd_member_files
from components.delivery.node_files import BIN, NODE_ENV, NodeFile
from components.kubeadm.documents import ControlPlaneNode
from components.kubeadm.labels import Place
from components.network_plugins.network_plugin import network_plugin
from components.node.__main__ import STEPS as NODE_STEPS
from components.node.control_plane.static_pods import COMPONENTS
from components.plan import Plan
from tests.components.stacks import COMMAND, recorded, settings_of

STACKS = ("education", "dev", "prod")
# Every prefix of a remote command's name and the step that it runs.
NAMED = {
    "pki": "install-certificates",
    "endpoint": "follow-load-balancer",
    "network-plugin": "apply-network-plugin",
    "api-names": "renew-api-certificate",
    "ready": "wait-ready",
    "service": "check-service",
}


@cache
def delivered(verb: str) -> tuple[NodeFile, ...]:
    plan = Plan(settings_of("prod"))
    if verb == "configure-etcd-member":
        return etcd_member_files(plan, plan.etcd_machines[0], "vol-1")
    node = ControlPlaneNode(plan.control_planes[0], Place("eu-central-1", "eu-central-1a"), "198.51.100.1")
    return control_plane_files(plan, node, network_plugin(plan), "vol-1")


@pytest.mark.parametrize("stack", STACKS)
def test_every_remote_command_of_the_program_is_a_declared_step(stack: str) -> None:
    found = {}
    for command in recorded(stack).of_type(COMMAND):
        assert command.inputs["create"] == command.inputs["update"]
        step = step_of(command.inputs["update"])
        assert step is not None, command.name
        found[command.name] = step.verb
    assert found
    for name, verb in found.items():
        last = next((verb for suffix, verb in NAMED.items() if name.endswith(f"-{suffix}")), None)
        configures = "configure-etcd-member" if "-etcd-" in name else "configure-control-plane"
        assert verb == (last or configures), name


def test_a_declared_step_is_one_of_the_node_program_or_a_script() -> None:
    scripts = {path.stem for path in Path(components.node.__path__[0]).rglob("*.sh")}
    assert set(STEPS) <= {*NODE_STEPS, *scripts}


@pytest.mark.parametrize("verb", ["configure-control-plane", "configure-etcd-member"])
def test_every_delivered_file_is_declared_by_the_step_that_gets_it(verb: str) -> None:
    undeclared = [
        part
        for file in delivered(verb)
        for part in changed_parts(file.path, None, file.content)
        if STEPS[verb].consequence(part) is None
    ]
    assert undeclared == []


@pytest.mark.parametrize(
    ("command", "verb"),
    [
        (f"sudo {BIN}/receive-files.sh && sudo {BIN}/quorate-node configure-etcd-member", "configure-etcd-member"),
        (f"sudo {BIN}/quorate-node receive-files && sudo {BIN}/quorate-node wait-ready a 'b c'", "wait-ready"),
        (f"sudo {BIN}/receive-files.sh && sudo {BIN}/install-certificates.sh renewed", "install-certificates"),
        (f"sudo {BIN}/receive-files.sh && sudo {BIN}/configure-control-plane.sh", "configure-control-plane"),
        (f"sudo {BIN}/name-api-endpoint.sh dns", "follow-load-balancer"),
    ],
)
def test_a_step_is_known_by_its_command(command: str, verb: str) -> None:
    step = step_of(command)
    assert step is not None
    assert step.verb == verb


@pytest.mark.parametrize(
    "command",
    [
        None,
        "",
        "true",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        f"sudo {BIN}/receive-files.sh",
        f"sudo {BIN}/quorate-node",
        "echo wait-ready.sh",
        "sudo /tmp/wait-ready.sh",
        f"sudo {BIN}/wait-ready.sh 'unbalanced",
    ],
)
def test_another_command_is_no_step(command: object) -> None:
    assert step_of(command) is None


def test_only_those_steps_that_interrupt_a_machine_take_a_lock() -> None:
    interrupting = {
        verb for verb, step in STEPS.items() if any(c.interrupts is Interruption.MACHINE for c in step.consequences)
    }
    assert {verb: step.lock for verb, step in STEPS.items() if step.lock} == {
        "configure-control-plane": "control plane",
        "configure-etcd-member": "etcd",
    }
    assert interrupting == {"configure-control-plane", "configure-etcd-member"}


@pytest.mark.parametrize(
    ("verb", "module", "lock"),
    [
        ("configure-control-plane", "control_plane/cluster.py", "CONTROL_PLANE_LOCK"),
        ("configure-etcd-member", "etcd/configure.py", "ETCD_LOCK"),
    ],
)
def test_a_declared_lock_is_one_that_machines_take(verb: str, module: str, lock: str) -> None:
    text = (Path(components.node.__path__[0]) / module).read_text()
    assert STEPS[verb].lock
    assert re.search(rf"with cluster_lock\([^\n]*\b{lock}\b", text)


def restarts(verb: str, path: str, old: str, new: str) -> list[tuple[Interruption, str, tuple[str, ...]]]:
    found = [STEPS[verb].consequence(part) for part in changed_parts(path, old, new)]
    return [(c.interrupts, c.words, c.restarts) for c in found if c]


def test_a_key_of_a_document_restarts_the_static_pods_that_read_it() -> None:
    old = "kind: ClusterConfiguration\napiServer: {a: 1}\nscheduler: {}\n---\nkind: KubeletConfiguration\nmaxPods: 1\n"
    new = old.replace("a: 1", "a: 2").replace("scheduler", "dns")
    assert restarts("configure-control-plane", KUBEADM, old, new) == [
        (Interruption.MACHINE, "", ("kube-apiserver",)),
        (Interruption.MACHINE, "restarts what its static pods name", ()),
        (Interruption.MACHINE, "", ("kube-scheduler",)),
    ]
    assert restarts("configure-control-plane", KUBEADM, old, old.replace("maxPods: 1", "maxPods: 2")) == [
        (Interruption.SERVICE, "kubelet restarts; its pods keep running", ())
    ]


def test_a_variable_counts_only_for_the_step_that_acts_upon_it() -> None:
    old, new = "ETCD_VERSION=3.6.11\nINSTANCE_TYPE=a\n", "ETCD_VERSION=3.6.12\nINSTANCE_TYPE=b\n"
    assert changed_parts(NODE_ENV, old, new) == ((NODE_ENV, "ETCD_VERSION"), (NODE_ENV, "INSTANCE_TYPE"))
    member = restarts("configure-etcd-member", NODE_ENV, old, new)
    assert [interruption for interruption, _, _ in member] == [Interruption.MACHINE, Interruption.NONE]
    plane = restarts("configure-control-plane", NODE_ENV, old, new)
    assert {interruption for interruption, _, _ in plane} == {Interruption.NONE}


@pytest.mark.parametrize("verb", ["configure-etcd-member", "configure-control-plane"])
def test_snapshots_that_are_turned_on_or_changed_interrupt_nothing_and_are_told(verb: str) -> None:
    values = "SNAPSHOT_BUCKET=b\nSNAPSHOT_HOURS=6\nSNAPSHOT_KEY=k\n"
    for old, new, count in (("", values, 3), (values, values.replace("6", "1"), 1)):
        found = restarts(verb, NODE_ENV, old, new)
        assert {(interruption, names) for interruption, _, names in found} == {(Interruption.NONE, ())}
        assert [words[:17] for _, words, _ in found] == ["snapshots of etcd"] * count


def test_an_unchanged_file_has_no_changed_parts() -> None:
    assert changed_parts(KUBEADM, "kind: A\n", "kind: A\n") == ()


def test_services_that_a_step_restarts_are_the_static_pods_that_it_applies() -> None:
    declared = {name for step in STEPS.values() for c in step.consequences for name in c.restarts}
    assert declared == set(COMPONENTS)


def test_no_step_that_a_previous_release_ran_is_forgotten() -> None:
    assert set(effects._SCRIPTS.values()) <= set(STEPS)
