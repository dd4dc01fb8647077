"""The network plugin, join credentials and kubectl for users, with stand-ins for programs."""

from __future__ import annotations

import io
import os
import pwd
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.node.common import environment, log
from components.node.common.failure import Failure
from components.node.common.kubectl import Kubectl
from components.node.control_plane import join_credentials, network_plugin, users
from components.node.control_plane.this_machine import Folders, ThisMachine
from tests.components.node.aws_services import aws_of_this_process
from tests.components.node.stand_ins import StandIns, stand_ins

TOKEN = "abcdef.0123456789abcdef"
MANIFEST = "kind: Namespace\nmetadata: {name: plugin}\n"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    monkeypatch.setattr(environment, "ETC", tmp_path)
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    return stand_ins(tmp_path / "programs", monkeypatch)


def test_a_network_plugin_is_applied_as_the_owner_of_its_fields(
    programs: StandIns, capfd: pytest.CaptureFixture[str]
) -> None:
    programs.program("kubectl", (" apply ", 0, "namespace/plugin serverside-applied\n"))
    network_plugin.apply_manifest(MANIFEST, Kubectl(Path("/x")))
    ready, applied = programs.calls
    assert ready.endswith("get --raw /readyz")
    assert applied.endswith("apply --server-side --force-conflicts --field-manager quorate --filename -")
    assert programs.given == MANIFEST
    assert "namespace/plugin serverside-applied" in capfd.readouterr().out


@pytest.mark.parametrize("manifest", ["", " \n"])
def test_no_manifest_is_a_failure_instead_of_a_cluster_without_a_plugin(
    manifest: str, programs: StandIns, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(manifest))
    assert network_plugin.main([]) == 1
    assert "no manifest arrived on standard input" in capfd.readouterr().out
    assert network_plugin.main(["plugin.yaml"]) == 2


def test_a_new_token_goes_to_the_parameter_and_nowhere_else(
    programs: StandIns, capfd: pytest.CaptureFixture[str]
) -> None:
    programs.program("kubeadm", ("token create", 0, f"{TOKEN}\n"))
    parameters: dict[str, str] = {}
    join_credentials.renew("cp-1", "/test/join", parameters.__setitem__)
    assert parameters == {"/test/join": TOKEN}
    (call,) = programs.calls
    assert call == (
        "kubeadm token create --kubeconfig /etc/kubernetes/admin.conf --ttl 20m --description for workers, by cp-1"
    )
    assert TOKEN not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("status", "printed", "reason"),
    [
        (1, f"cannot store {TOKEN}", r"kubeadm ended with 1: cannot store \(token\)"),
        (0, "no token at all", "printed no token but 15 other characters"),
    ],
)
def test_a_token_that_was_not_made_is_a_failure_that_shows_none(
    status: int, printed: str, reason: str, programs: StandIns
) -> None:
    programs.program("kubeadm", ("token create", status, printed))
    with pytest.raises(Failure, match=reason):
        join_credentials.renew("cp-1", "/test/join", lambda name, value: pytest.fail(f"{name} was written"))


def test_the_step_writes_a_token_that_workers_can_fetch(programs: StandIns, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.program("kubeadm", ("token create", 0, f"{TOKEN}\n"))
    (environment.ETC / "node.env").write_text("MACHINE_NAME=cp-1\nJOIN_PARAMETER=/test/join\n")
    with aws_of_this_process(monkeypatch) as aws:
        assert join_credentials.main([]) == 0
        assert aws.parameters == {"/test/join": TOKEN}
    assert TOKEN not in "".join(file.read_text() for file in log.LOGS.iterdir())


def test_credentials_need_to_know_where_workers_look(programs: StandIns, capfd: pytest.CaptureFixture[str]) -> None:
    (environment.ETC / "node.env").write_text("MACHINE_NAME=cp-1\n")
    assert join_credentials.main([]) == 1
    assert "does not set JOIN_PARAMETER" in capfd.readouterr().out
    assert join_credentials.main(["x"]) == 2


@pytest.fixture
def machine(tmp_path: Path, programs: StandIns, monkeypatch: pytest.MonkeyPatch) -> ThisMachine:
    """With a login user `admin`, and root, whose homes are folders of the test."""
    programs.program("kubectl", ("completion bash", 0, "complete -F __start_kubectl kubectl\n"))
    (tmp_path / "kubernetes").mkdir()
    (tmp_path / "kubernetes" / "admin.conf").write_text("an administrator")
    for user in ("root", "admin"):
        (tmp_path / "home" / user).mkdir(parents=True)

    def account(name: str) -> SimpleNamespace:
        if name not in ("root", "admin", "homeless"):
            raise KeyError(name)
        home = str(tmp_path / "home" / name)
        return SimpleNamespace(pw_dir=home, pw_uid=os.getuid(), pw_gid=os.getgid())

    monkeypatch.setattr(pwd, "getpwnam", account)
    folders = Folders(tmp_path, tmp_path / "kubernetes")
    return ThisMachine("cp-1", "10.0.0.1", "api.test", "1.36.4", login_user="admin", folders=folders)


def test_root_and_the_login_user_have_kubectl_which_nobody_else_reads(
    machine: ThisMachine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    users.give_kubectl(machine, tmp_path / "completion" / "kubectl")
    for user in ("root", "admin"):
        config = tmp_path / "home" / user / ".kube" / "config"
        assert config.read_text() == "an administrator"
        assert config.stat().st_mode & 0o777 == 0o600
        assert config.parent.stat().st_mode & 0o777 == 0o700
    assert "complete" in (tmp_path / "completion" / "kubectl").read_text()
    assert capfd.readouterr().out.count("kubectl is ready for") == 2
    users.give_kubectl(machine, tmp_path / "completion" / "kubectl")
    assert capfd.readouterr().out == "", "a second run changes nothing"


def test_a_user_without_a_home_is_passed_over(machine: ThisMachine, tmp_path: Path) -> None:
    homeless = ThisMachine("cp-1", "a", "n", "v", login_user="homeless", folders=machine.folders)
    users.give_kubectl(homeless, tmp_path / "completion")
    assert not (tmp_path / "home" / "homeless").exists()


def test_a_user_that_the_machine_has_not_is_named(machine: ThisMachine, tmp_path: Path) -> None:
    unknown = ThisMachine("cp-1", "a", "n", "v", login_user="nobody-here", folders=machine.folders)
    with pytest.raises(Failure, match=r"no user nobody-here, whom node\.env names as LOGIN_USER"):
        users.give_kubectl(unknown, tmp_path / "completion")
