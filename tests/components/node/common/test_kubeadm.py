"""kubeadm's messages and the way to the API, with stand-ins for programs."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from components.node.common import environment, kubeadm, log
from components.node.common.failure import Failure
from tests.components.node.stand_ins import StandIns, stand_ins
from tests.components.node.tls import copy_authority

TOKEN = "abcdef.0123456789abcdef"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    monkeypatch.setattr(environment, "ETC", tmp_path / "etc")
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    (tmp_path / "etc").mkdir()
    return stand_ins(tmp_path / "programs", monkeypatch)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    copy_authority(tmp_path / "authority")
    return tmp_path / "authority"


def test_bootstrap_tokens_are_hidden_and_other_words_stay() -> None:
    assert kubeadm.hide_tokens(f"Using token: {TOKEN}, again {TOKEN}\n") == "Using token: (token), again (token)\n"
    assert kubeadm.hide_tokens("kubeadm init v1.36.4 abcdefg.0123456789abcdef\n").endswith(  # type: ignore[union-attr]
        "abcdefg.0123456789abcdef\n"
    )


def test_the_list_of_kernel_options_is_left_out() -> None:
    assert kubeadm.hide_tokens("\x1b[0;37mCONFIG_NAMESPACES\x1b[0m: enabled\n") is None


@pytest.mark.parametrize(
    ("names", "listed", "ignored"),
    [
        ((), None, ""),
        ((), "\n", ""),
        (("A", "B"), None, "A,B"),
        (("A",), "Swap,SystemVerification\n", "A,Swap,SystemVerification"),
        ((), "Swap SystemVerification\n", "Swap,SystemVerification"),
    ],
)
def test_checks_that_an_image_lists_are_ignored_beside_those_of_the_step(
    names: tuple[str, ...], listed: str | None, ignored: str, programs: StandIns
) -> None:
    if listed is not None:
        (environment.ETC / "ignore-preflight-errors").write_text(listed)
    assert kubeadm.ignored_checks(*names) == ignored


def test_kubeadms_messages_are_reported_without_tokens(programs: StandIns, capfd: pytest.CaptureFixture[str]) -> None:
    programs.program("kubeadm", ("init", 0, f"[init] token {TOKEN}\ndone\n"))
    kubeadm.run_kubeadm("init", "--config", "x.yaml")
    assert capfd.readouterr().out == "[init] token (token)\ndone\n"
    assert programs.calls == ["kubeadm init --config x.yaml"]


def test_a_failure_shows_what_the_kubelet_said_and_what_does_not_run(
    programs: StandIns, capfd: pytest.CaptureFixture[str]
) -> None:
    programs.program("kubeadm", ("join", 1, "cannot join\n"))
    programs.program("journalctl", ("--unit kubelet", 0, f"refused {TOKEN}\n"))
    programs.program("crictl", ("ps --all", 0, "a Exited etcd\nb Running kube-apiserver\n"))
    with pytest.raises(Failure, match="kubeadm join failed; its messages are above"):
        kubeadm.run_kubeadm("join")
    shown = capfd.readouterr().out
    assert shown.index("cannot join") < shown.index("refused (token)") < shown.index("a Exited etcd")
    assert "kube-apiserver" not in shown
    assert TOKEN not in shown


def test_a_failure_is_reported_though_nothing_explains_it(
    programs: StandIns, capfd: pytest.CaptureFixture[str]
) -> None:
    programs.program("kubeadm", ("join", 1, "cannot join\n"))
    programs.program("journalctl", ("", 1, "no journal\n"))
    programs.program("crictl", ("", 1, "no runtime\n"))
    with pytest.raises(Failure, match="kubeadm join failed"):
        kubeadm.run_kubeadm("join")
    assert "no journal" in (shown := capfd.readouterr().out)
    assert "no runtime" in shown


def test_discovery_holds_a_secret_that_only_root_reads(tmp_path: Path, authority: Path) -> None:
    path = tmp_path / "run" / "discovery.conf"
    kubeadm.write_discovery({"token": TOKEN}, "api.test", authority / "ca.crt", path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    document = yaml.safe_load(path.read_text())
    (cluster,), (user,) = document["clusters"], document["users"]
    assert user == {"name": "joining", "user": {"token": TOKEN}}
    assert cluster["cluster"]["server"] == "https://api.test:6443"
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == (authority / "ca.crt").read_bytes()
    assert document["current-context"] == document["contexts"][0]["name"]
