"""How workers join, and how their credentials are renewed: the scripts with stand-ins for programs."""

from __future__ import annotations

import base64
from pathlib import Path

from components.kubeadm.documents import worker_join
from components.settings.model import WorkerPoolSettings
from tests.components.node.instance_metadata import METADATA, ROLE
from tests.components.node.node_machine import NodeMachine

TOKEN = "abcdef.0123456789abcdef"
WORKER = {
    "ROLE": "worker", "POOL_NAME": "general", "API_ENDPOINT_NAME": "api.test.internal", "KUBERNETES_VERSION": "1.36.4",
    "JOIN_PARAMETER": "/quorate/test/workers/join",
}  # fmt: skip
WORKER_SCRIPTS = ("common.sh", "kubeadm-common.sh", "parameter-store.sh", "join-worker.sh")
# kubeadm that shows what it was told to join by.
JOINING = """#!/bin/bash
echo "kubeadm $*" >>"$MACHINE/calls"
cp "$QUORATE_RUN/discovery.conf" "$MACHINE/discovery"
cp "$3" "$MACHINE/document"
"""


def parameter(value: str) -> tuple[str, int, str]:
    return ("GetParameter", 0, f'{{"Parameter": {{"Value": "{value}"}}}}')


def worker(folder: Path, parameter_answer: tuple[str, int, str]) -> NodeMachine:
    machine = NodeMachine(folder)
    curl = [parameter_answer, *METADATA, *ROLE, ("/readyz", 0, "ok")]
    machine.prepare(
        WORKER_SCRIPTS, WORKER, {"curl": curl, "systemctl": [], "kubeadm": [], "journalctl": [], "crictl": []}
    )
    (folder / "programs" / "kubeadm").write_text(JOINING)
    (folder / "etc" / "pki" / "ca.crt").write_text("the authority\n")
    (folder / "etc" / "join.yaml").write_text(worker_join(WorkerPoolSettings(name="general"), "eu-central-1"))
    return machine


def test_a_worker_joins_under_its_pools_name_by_the_pinned_authority(tmp_path: Path) -> None:
    machine = worker(tmp_path, parameter(TOKEN))
    outcome = machine.run("join-worker.sh")
    assert outcome.returncode == 0, outcome.stdout
    (call,) = machine.calls("kubeadm")
    assert "--node-name general-i-0abc" in call
    discovery = (tmp_path / "discovery").read_text()
    assert "server: https://api.test.internal:6443" in discovery
    assert f"user: {{token: {TOKEN}}}" in discovery
    assert base64.b64encode(b"the authority\n").decode() in discovery
    assert "enable --quiet kubelet" in machine.calls("systemctl")
    assert not (tmp_path / "run" / "discovery.conf").exists(), "the token stays on no disk"


def test_a_worker_registers_with_the_zone_that_its_metadata_names(tmp_path: Path) -> None:
    machine = worker(tmp_path, parameter(TOKEN))
    machine.run("join-worker.sh")
    pools = (tmp_path / "etc" / "join.yaml").read_text()
    assert "topology.kubernetes.io/zone=ZONE_OF_THE_MACHINE\n" in pools
    assert (tmp_path / "document").read_text() == pools.replace("ZONE_OF_THE_MACHINE", "eu-central-1b")


def test_no_credential_of_a_join_is_in_a_log_or_a_command_line(tmp_path: Path) -> None:
    machine = worker(tmp_path, parameter(TOKEN))
    outcome = machine.run("join-worker.sh")
    for secret in (TOKEN, "hidden-key", "hidden-session"):
        assert secret not in machine.public_text() + outcome.stdout + outcome.stderr
    assert "hidden-key" in (tmp_path / "configurations").read_text(), "else the request was not signed at all"


def test_a_worker_that_has_joined_does_nothing_at_the_next_boot(tmp_path: Path) -> None:
    machine = worker(tmp_path, parameter(TOKEN))
    machine.run("join-worker.sh")
    before = machine.calls("kubeadm")
    assert machine.run("join-worker.sh").returncode == 0
    assert machine.calls("kubeadm") == before


def test_a_worker_waits_for_credentials_and_says_whose_turn_it_is(tmp_path: Path) -> None:
    machine = worker(tmp_path, parameter("none-yet"))
    outcome = machine.run("join-worker.sh", CLUSTER_SECONDS="1")
    assert outcome.returncode != 0
    assert "no control plane has written any" in outcome.stdout
    assert machine.calls("kubeadm") == []


def test_a_worker_whose_role_may_not_read_says_so(tmp_path: Path) -> None:
    machine = worker(tmp_path, ("GetParameter", 22, '{"__type": "AccessDeniedException"}'))
    outcome = machine.run("join-worker.sh", CLUSTER_SECONDS="1")
    assert outcome.returncode != 0
    assert "AccessDeniedException" in outcome.stdout


def test_new_credentials_reach_the_parameter_and_no_log(tmp_path: Path) -> None:
    machine = NodeMachine(tmp_path)
    machine.prepare(
        ("common.sh", "parameter-store.sh", "renew-join-credentials.sh"),
        {"MACHINE_NAME": "control-plane-1", "JOIN_PARAMETER": "/quorate/test/workers/join"},
        {"curl": [("PutParameter", 0, "{}"), *METADATA, *ROLE], "kubeadm": [("token create", 0, f"{TOKEN}\\n")]},
    )
    outcome = machine.run("renew-join-credentials.sh")
    assert outcome.returncode == 0, outcome.stdout
    (call,) = machine.calls("kubeadm")
    assert "--ttl 20m" in call
    assert f'"Value": "{TOKEN}"' in machine.bodies
    assert '"Type": "SecureString"' in machine.bodies
    assert TOKEN not in machine.public_text() + outcome.stdout
