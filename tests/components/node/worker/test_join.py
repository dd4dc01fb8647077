"""How a worker joins: the step against local AWS, a local API server and stand-ins for programs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from components.kubeadm.documents import worker_join
from components.node.common import environment, kubeadm, log
from components.node.common.failure import Failure
from components.node.common.waiting import NotYet
from components.node.worker import join
from components.settings.model import WorkerPoolSettings
from tests.components.node.aws_services import SECRETS, LocalAws, aws_of_this_process
from tests.components.node.stand_ins import StandIns, stand_ins
from tests.components.node.tls import https_server, issue, make_authority

TOKEN = "abcdef.0123456789abcdef"
PARAMETER = "/quorate/test/workers/join"
VALUES = {
    "POOL_NAME": "general",
    "API_ENDPOINT_NAME": "localhost",
    "JOIN_PARAMETER": PARAMETER,
    "KUBERNETES_VERSION": "1.36.4",
}


@dataclass
class JoiningMachine:
    worker: join.Worker
    programs: StandIns
    aws: LocalAws
    folder: Path
    port: int

    def join(self) -> None:
        join.join(self.worker, self.port)

    @property
    def public_text(self) -> str:
        return "\n".join([*self.programs.calls, *(path.read_text() for path in (self.folder / "logs").iterdir())])


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    folder = tmp_path_factory.mktemp("authority")
    make_authority(folder)
    issue(folder, folder / "server.crt", "DNS:localhost")
    with https_server(folder / "server.crt", 200) as port:
        yield folder / "ca.crt", port


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: tuple[Path, int]) -> Iterator[JoiningMachine]:
    authority, port = api
    etc, run = tmp_path / "etc", tmp_path / "run"
    (etc / "pki").mkdir(parents=True)
    (etc / "pki" / "ca.crt").write_text(authority.read_text())
    (etc / "join.yaml").write_text(worker_join(WorkerPoolSettings(name="general"), "eu-central-1"))
    monkeypatch.setattr(environment, "ETC", etc)
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    log.begin_log("join-worker")
    programs = stand_ins(tmp_path / "programs", monkeypatch)
    for name in ("systemctl", "kubectl", "prepare-machine.sh", "journalctl", "crictl"):
        programs.program(name)
    # kubeadm that shows what it was given to join with.
    given = f'{run}/discovery.conf "$3" {tmp_path}/patches/*'
    programs.program("kubeadm", before=f'[[ "$1" != join ]] || cp {given} {tmp_path}')
    worker = join.Worker(
        VALUES,
        etc,
        prepare="prepare-machine.sh",
        kubelet_conf=tmp_path / "kubelet.conf",
        kubelet_config=tmp_path / "kubelet-config.yaml",
        discovery=run / "discovery.conf",
        patches=tmp_path / "patches",
        metadata_seconds=0,
        cluster_seconds=0,
    )
    with aws_of_this_process(monkeypatch) as aws:
        aws.parameters[PARAMETER] = TOKEN
        yield JoiningMachine(worker, programs, aws, tmp_path, port)


def test_a_worker_joins_under_its_pools_name_with_the_pinned_authority(machine: JoiningMachine) -> None:
    machine.join()
    (call,) = machine.programs.calls_with("kubeadm")
    assert "--node-name general-i-0abc" in call
    discovery = json.loads((machine.folder / "discovery.conf").read_text())
    assert discovery["users"] == [{"name": "joining", "user": {"token": TOKEN}}]
    cluster = discovery["clusters"][0]["cluster"]
    assert cluster["server"] == "https://localhost:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == machine.worker.authority.read_bytes()
    assert not machine.worker.discovery.exists(), "the token stays on no disk"
    assert machine.worker.mark.read_text() == "general-i-0abc\n"


def test_the_machine_is_prepared_first_and_the_kubelet_is_enabled_last(machine: JoiningMachine) -> None:
    machine.join()
    assert [call.split()[0] for call in machine.programs.calls] == [
        "systemctl", "prepare-machine.sh", "kubeadm", "systemctl",
    ]  # fmt: skip
    assert "enable --quiet quorate-join.service" in machine.programs.calls[0], "a boot in between tries again"
    assert "enable --quiet kubelet" in machine.programs.calls[-1]


def test_a_worker_registers_with_the_zone_that_its_metadata_names(machine: JoiningMachine) -> None:
    machine.join()
    pools = (machine.worker.etc / "join.yaml").read_text()
    assert "topology.kubernetes.io/zone=ZONE_OF_THE_MACHINE\n" in pools
    joined = (machine.folder / "join-here.yaml").read_text()
    assert joined == pools.replace("ZONE_OF_THE_MACHINE", "eu-central-1b")


def test_a_worker_registers_as_the_instance_that_it_is(machine: JoiningMachine) -> None:
    machine.join()
    patch = machine.folder / "kubeletconfiguration-instance+merge.yaml"
    assert patch.read_text() == "providerID: aws:///eu-central-1b/i-0abc\n"


@pytest.mark.parametrize("zone", ["", "<html>", "eu-central-1b\n- key: value"])
def test_what_is_no_zone_reaches_no_document(zone: str) -> None:
    with pytest.raises(Failure, match="names no zone"):
        join.documented_join("zone=ZONE_OF_THE_MACHINE", zone)


def test_no_credential_of_a_join_is_in_a_log_or_on_a_command_line(
    machine: JoiningMachine, capfd: pytest.CaptureFixture[str]
) -> None:
    machine.programs.program("kubeadm", ("join", 1, f"token {TOKEN} is bad\n"))
    with pytest.raises(Failure, match="kubeadm join failed"):
        machine.join()
    printed = "".join(capfd.readouterr())
    assert "(token) is bad" in printed, "else kubeadm's words are lost"
    assert not [secret for secret in (TOKEN, *SECRETS) if secret in machine.public_text + printed]
    assert not machine.worker.discovery.exists()


def test_a_join_that_failed_is_no_join(machine: JoiningMachine) -> None:
    machine.programs.program("kubeadm", ("join", 1, "no\n"))
    with pytest.raises(Failure):
        machine.join()
    assert not machine.worker.mark.exists()
    assert not machine.programs.calls_with("enable --quiet kubelet")


def test_a_worker_that_has_joined_does_nothing_at_the_next_boot(machine: JoiningMachine) -> None:
    machine.join()
    before = machine.programs.calls
    machine.join()
    assert join.main([]) == 0
    assert machine.programs.calls == before


@pytest.mark.parametrize("value", ["none-yet", "", f"{TOKEN} x", "ABCDEF.0123456789abcdef"])
def test_what_is_no_token_is_waited_for_and_whose_turn_it_is_is_said(value: str) -> None:
    with pytest.raises(NotYet, match=f"parameter {PARAMETER} .*no control plane has written any"):
        join.bootstrap_token(value, PARAMETER)


def test_a_worker_without_credentials_never_calls_kubeadm(machine: JoiningMachine) -> None:
    machine.aws.parameters[PARAMETER] = "none-yet"
    with pytest.raises(Failure, match="no control plane has written any"):
        machine.join()
    assert machine.programs.calls_with("kubeadm") == []


def test_nobody_asks_for_the_name_of_the_api_before_there_are_credentials(
    machine: JoiningMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(kubeadm, "api_answers", lambda authority, host, port: asked.append(host))
    machine.aws.parameters[PARAMETER] = "none-yet"
    with pytest.raises(Failure, match="credentials to join with"):
        machine.join()
    assert asked == []
    machine.aws.parameters[PARAMETER] = TOKEN
    machine.join()
    assert asked == ["localhost"]


def test_a_worker_whose_role_may_not_read_says_so(machine: JoiningMachine) -> None:
    machine.aws.refusals = [(400, '{"__type": "AccessDeniedException", "Message": "no"}')]
    with pytest.raises(Failure, match=f"ssm GetParameter {PARAMETER} was refused with 400: AccessDeniedException: no"):
        machine.join()


def test_an_api_with_a_certificate_of_another_authority_is_not_joined(machine: JoiningMachine, tmp_path: Path) -> None:
    make_authority(tmp_path / "other")
    machine.worker.authority.write_text((tmp_path / "other" / "ca.crt").read_text())
    with pytest.raises(Failure, match=r"the API at localhost; .*certificate verify failed"):
        machine.join()
    assert machine.programs.calls_with("kubeadm") == [], "no credentials are shown to it"


def test_a_machine_that_cannot_be_prepared_does_not_join(machine: JoiningMachine) -> None:
    machine.programs.program("prepare-machine.sh", ("", 1, "no disk\n"))
    with pytest.raises(Failure, match="preparing the machine failed"):
        machine.join()
    assert machine.programs.calls_with("kubeadm") == []


def accepted(machine: JoiningMachine) -> None:
    """kubeadm join went as far as the kubelet's own credentials."""
    machine.worker.kubelet_conf.write_text("")
    machine.worker.kubelet_config.write_text("")


def test_a_join_that_was_cut_off_after_the_node_was_accepted_is_only_marked(machine: JoiningMachine) -> None:
    accepted(machine)
    machine.join()
    assert machine.programs.calls_with("kubeadm") == []
    assert machine.programs.calls_with("get node general-i-0abc")
    assert machine.worker.mark.exists()


@pytest.mark.parametrize(
    ("program", "answer"), [("systemctl", ("is-active", 3, "")), ("kubectl", ("get node", 1, "not found"))]
)
def test_a_join_that_was_cut_off_before_that_is_removed_and_repeated(
    program: str, answer: tuple[str, int, str], machine: JoiningMachine
) -> None:
    accepted(machine)
    machine.programs.program(program, answer)
    machine.join()
    assert [call.split()[1] for call in machine.programs.calls_with("kubeadm")] == ["reset", "join"]


def test_a_join_that_only_configured_the_kubelet_is_removed_and_repeated(machine: JoiningMachine) -> None:
    machine.worker.kubelet_config.write_text("")
    machine.join()
    assert [call.split()[1] for call in machine.programs.calls_with("kubeadm")] == ["reset", "join"]
    assert machine.programs.calls_with("kubectl") == []


def test_while_the_api_is_silent_nothing_of_an_earlier_join_is_removed(machine: JoiningMachine) -> None:
    accepted(machine)
    machine.worker = replace(machine.worker, values={**VALUES, "API_ENDPOINT_NAME": "api.invalid"})
    with pytest.raises(Failure, match=r"the API at api\.invalid"):
        machine.join()
    assert machine.programs.calls_with("kubeadm") == []


def test_what_is_left_of_an_earlier_join_and_cannot_be_removed_ends_the_step(machine: JoiningMachine) -> None:
    accepted(machine)
    machine.programs.program("kubectl", ("get node", 1, "not found"))
    machine.programs.program("kubeadm", ("reset", 1, "busy\n"))
    with pytest.raises(Failure, match="kubeadm ended with 1: busy"):
        machine.join()
