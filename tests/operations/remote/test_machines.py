from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from components.plan import Plan
from operations.errors import NotAnswered, OperationFailed
from operations.remote.machines import CommandFailed, Machines, NotReached, opened
from tests.interrupts import heed_interrupts
from tests.operations.programs import machines_here, program, script
from tests.operations.stacks import PROD, settings, with_bastion

PLAN: Final = Plan(with_bastion(settings(PROD)))
EXPORTED: Final[dict[str, Any]] = {
    "machines": {
        "control-plane-0": "10.20.32.10", "etcd-0": "10.20.32.20", "etcd-1": "10.20.64.20", "bastion": "198.51.100.4",
    },
    "sshPrivateKey": "KEY\n", "sshKnownHosts": "10.20.32.10 ssh-ed25519 AAAA\n",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    machines_here(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def machines(folder: Path, shown: list[str]) -> Iterator[Machines]:
    with opened(PLAN, EXPORTED, shown.append) as found:
        yield found


def test_a_command_arrives_word_by_word_and_its_secret_by_standard_input(machines: Machines) -> None:
    words = ["a b", "$HOME", "it's", '"', "*"]
    assert machines.ask("etcd-0", ["printf", "%s\n", *words]).splitlines() == words
    assert machines.run("etcd-0", ["cat"], b"secret\xff") == "secret\ufffd"


def test_more_is_given_and_read_than_a_pipe_holds(machines: Machines) -> None:
    given = b"0123456789abcde\n" * 100_000
    assert machines.ask("etcd-0", ["cat"], given).encode() == given
    assert machines.ask("etcd-0", ["true"], given) == "", "a command that does not read ends all the same"


def test_machines_without_public_addresses_are_reached_through_the_bastion(machines: Machines, folder: Path) -> None:
    machines.ask("etcd-1", ["true"])
    call = (folder / "ssh.calls").read_text()
    assert "admin@10.20.64.20 sudo -n -- true\n" in call
    assert re.search(r"-oProxyCommand=ssh .* -W %h:%p admin@198\.51\.100\.4 ", call)
    assert call.count("-oStrictHostKeyChecking=yes") == call.count("-oBatchMode=yes") == 2, "on the way there, too"
    for option in ("ConnectTimeout", "ServerAliveInterval", "ServerAliveCountMax", "UserKnownHostsFile"):
        assert call.count(f"-o{option}=") == 2


def test_machines_in_public_subnets_are_reached_directly(folder: Path) -> None:
    exported = {**EXPORTED, "machines": {"etcd-0": "198.51.100.5"}}
    with opened(Plan(settings(PROD)), exported) as machines:
        machines.ask("etcd-0", ["true"])
    assert "ProxyCommand" not in (folder / "ssh.calls").read_text()


def test_openssh_understands_every_option(machines: Machines) -> None:
    ssh, *options, _, _ = machines.command("etcd-0", ["true"])
    understood = subprocess.run(
        ["/usr/bin/env", f"PATH={os.defpath}", ssh, "-G", *options, "10.20.32.20"], capture_output=True, text=True
    )
    assert understood.returncode == 0, understood.stderr
    for line in ("stricthostkeychecking true", "batchmode yes", "serveraliveinterval 15", "connecttimeout 20"):
        assert line in understood.stdout.splitlines()
    assert f"userknownhostsfile {machines.known_hosts}" in understood.stdout


def test_the_key_is_the_callers_alone_and_goes_with_the_block(folder: Path) -> None:
    with opened(PLAN, EXPORTED) as machines:
        assert machines.key.read_text() == "KEY\n"
        assert machines.key.stat().st_mode & 0o777 == 0o600
        assert machines.key.parent.stat().st_mode & 0o777 == 0o700
    assert not machines.key.parent.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_the_key_goes_and_connections_end_where_the_operation_is_ended(folder: Path, number: int) -> None:
    script(folder, "ssh", f"touch {folder}/pid.$$\nexec sleep 60\n")
    text = (
        "from operations.remote.machines import opened\n"
        "from tests.operations.remote.test_machines import EXPORTED, PLAN\n"
        "with opened(PLAN, EXPORTED) as machines:\n"
        "    print(machines.key, flush=True)\n"
        "    machines.on_all(['etcd-0', 'etcd-1'], lambda name: machines.run(name, ['true']))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", text],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=heed_interrupts,
    ) as operation:
        assert operation.stdout
        key = Path(operation.stdout.readline().strip())
        while not list(folder.glob("pid.*")):
            time.sleep(0.02)
        assert key.exists()
        operation.send_signal(number)
        assert operation.wait(20) != 0
    assert not key.parent.exists()
    assert [found for found in folder.glob("pid.*") if Path(f"/proc/{found.suffix[1:]}").exists()] == []


def test_signals_are_the_callers_again_after_the_block(folder: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with opened(PLAN, EXPORTED):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_may_change_a_machine_shows_its_lines_and_a_question_none(machines: Machines, shown: list[str]) -> None:
    machines.ask("etcd-0", ["echo", "found"])
    assert shown == []
    machines.run("etcd-0", ["sh", "-c", "echo one; echo two"])
    assert shown == ["etcd-0: one", "etcd-0: two"]


def test_lines_are_shown_when_they_come(machines: Machines, shown: list[str], folder: Path) -> None:
    (folder / "go").touch()
    working = threading.Thread(
        target=machines.run, args=("etcd-0", ["sh", "-c", f"echo begun; while [ -e {folder}/go ]; do sleep 0.02; done"])
    )
    working.start()
    try:
        for _ in range(500):
            if shown:
                break
            time.sleep(0.02)
        assert shown == ["etcd-0: begun"]
    finally:
        (folder / "go").unlink()
        working.join()


def test_a_command_that_fails_says_its_last_words(machines: Machines) -> None:
    with pytest.raises(CommandFailed, match=r"^etcd-0: `sh -c .*` ended with 3: two / three / four$") as failed:
        machines.run("etcd-0", ["sh", "-c", "echo one; echo two; echo three; sleep 0.2; echo four >&2; exit 3"])
    assert failed.value.status == 3
    with pytest.raises(CommandFailed, match=r"`quorate-node take-snapshot` ended with 127"):
        machines.run("etcd-0", ["/nowhere/quorate-node", "take-snapshot"])
    with pytest.raises(CommandFailed, match="ended with 1: it said nothing"):
        machines.run("etcd-0", ["false"])


def test_a_machine_that_can_not_be_reached_is_told_from_a_command_that_failed(folder: Path) -> None:
    program(folder, "ssh", complaint="ssh: connect to host 10.20.32.20 port 22: Connection timed out\n", status=255)
    with opened(PLAN, EXPORTED) as machines, pytest.raises(NotReached) as failed:
        machines.run("etcd-0", ["true"])
    assert str(failed.value) == (
        "etcd-0 (10.20.32.20, through the bastion 198.51.100.4) can't be reached by SSH: ssh: connect to host "
        "10.20.32.20 port 22: Connection timed out. See that it runs, and that access.sshCidrs has the address that "
        "you come from"
    )


def test_what_takes_too_long_is_ended(machines: Machines) -> None:
    begun = time.monotonic()
    with pytest.raises(NotReached, match=r"etcd-0: `sh -c .*` did not end in time; its last words: waiting"):
        machines.ask("etcd-0", ["sh", "-c", "echo waiting; exec sleep 60"], seconds=0.5)
    assert time.monotonic() - begun < 10


def test_several_machines_are_worked_on_at_once_and_each_failure_is_named(machines: Machines) -> None:
    together = threading.Barrier(3)

    def work(name: str) -> str:
        together.wait(10)
        return machines.ask(
            name, ["sh", "-c", 'echo "$QUORATE_MACHINE"; [ "$QUORATE_MACHINE" != 10.20.32.20 ]']
        ).strip()

    outcomes = machines.on_all(["control-plane-0", "etcd-0", "etcd-1"], work)
    assert outcomes.done == {"control-plane-0": "10.20.32.10", "etcd-1": "10.20.64.20"}
    assert list(outcomes.failed) == ["etcd-0"]
    with pytest.raises(OperationFailed, match=r"etcd-0: `sh -c .*` ended with 1: 10\.20\.32\.20"):
        outcomes.all()
    assert machines.on_all([], work).all() == {}


def test_a_fault_of_the_work_itself_is_no_outcome(machines: Machines) -> None:
    def work(name: str) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        machines.on_all(["etcd-0", "etcd-1"], work)


def test_a_machine_that_the_stack_does_not_have_is_named(machines: Machines) -> None:
    with pytest.raises(NotAnswered, match=r"no machine etcd-2 \(it has bastion, control-plane-0, etcd-0, etcd-1\)"):
        machines.ask("etcd-2", ["true"])


@pytest.mark.parametrize("exported", [{}, {"machines": {}}, {"machines": {"etcd-0": "10.0.0.1"}}])
def test_a_stack_that_is_not_up_has_none(exported: dict[str, Any]) -> None:
    with pytest.raises(NotAnswered, match="the stack is not up: run `pulumi up` first"), opened(PLAN, exported):
        pass


def test_without_ssh_it_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder / "empty"))
    with opened(PLAN, EXPORTED) as machines, pytest.raises(NotAnswered, match="there is no `ssh` on the PATH"):
        machines.ask("etcd-0", ["true"])
