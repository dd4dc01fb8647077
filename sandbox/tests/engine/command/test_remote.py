"""remote.Command against a real sshd."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.tests.engine.command.conftest import Host, free_port, key_pair, start_sshd
from sandbox.tests.engine.processes import interrupted
from tests.pulumi_project import Project

pytestmark = pytest.mark.engine

ONE_SECOND = "pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create='1s'))"


def program(connection: str, arguments: str) -> str:
    return f"""
import pulumi
from pulumi_command import remote
connection = remote.ConnectionArgs({connection})
one = remote.Command("one", connection=connection, add_previous_output_in_env=False, {arguments})
pulumi.export("stdout", one.stdout)
pulumi.export("stderr", one.stderr)
"""


def test_create_and_update_run_on_the_host_and_a_removal_runs_nothing(project: Project, host: Host) -> None:
    log = project.folder / "log"
    arguments = f"""create="echo created >> {log}; echo first", stdin={{stdin!r}},
        update='echo "updated with $(cat)" | tee -a {log}'
    """
    project.up(program(host.connection(), arguments.format(stdin="a")))
    assert project.output("stdout") == "first"
    project.up(program(host.connection(), arguments.format(stdin="b")))
    assert project.output("stdout") == "updated with b"
    project.run("destroy", "--yes")
    assert log.read_text().splitlines() == ["created", "updated with b"]


def test_defaults_of_the_connection_are_kept_and_all_of_it_is_secret(project: Project, host: Host) -> None:
    project.up(program(host.connection(), 'create="cat | wc -c", stdin=pulumi.Output.secret("hidden-text")'))
    exported = project.run("stack", "export")
    assert "PRIVATE KEY" not in exported
    assert "hidden-text" not in exported
    assert host.user not in str(project.resources()["one"]["inputs"]["connection"])
    shown = project.run("stack", "export", "--show-secrets")
    for default in ('\\"dialErrorLimit\\":10', '\\"perDialTimeout\\":15'):
        assert default in shown
    # The original marks what came back as plain even then: https://github.com/pulumi/pulumi-command/issues/256
    assert project.resources()["one"]["outputs"]["stdout"] == "11"


def test_without_a_change_nothing_runs(project: Project, host: Host) -> None:
    project.up(program(host.connection(), f'create="echo ran >> {project.folder}/log"'))
    assert project.preview()["one"] == "same"
    project.run("refresh", "--yes", "--expect-no-changes")
    project.up()
    assert (project.folder / "log").read_text() == "ran\n"


def test_a_failing_command_is_reported_with_all_its_output_although_nothing_is_logged(
    project: Project, host: Host
) -> None:
    command = "echo to out; echo to err >&2; exit 7"
    printed = project.up(program(host.connection(), f"create={command!r}, logging='none'"), ok=False)
    assert f'Process exited with status 7: running "{command}":' in printed
    assert "to out" in printed
    assert "to err" in printed


def test_logging_none_keeps_output_off_the_terminal(project: Project, host: Host) -> None:
    printed = project.up(program(host.connection(), 'create="printf %s-%s to out", logging="none"'))
    assert "to-out" not in printed.replace('"to-out"', "")
    assert project.output("stdout") == "to-out"


def test_a_host_with_another_key_is_refused(project: Project, host: Host) -> None:
    other = key_pair()[1]
    connection = host.connection(host_key=repr(other), dial_error_limit="1")
    printed = project.up(program(connection, f'create="touch {project.folder}/ran"'), ok=False)
    assert "after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch" in printed
    assert not (project.folder / "ran").exists()


def test_a_host_key_that_cannot_be_read_is_an_error_at_once(project: Project, host: Host) -> None:
    printed = project.up(program(host.connection(host_key="'nonsense'"), 'create="true"'), ok=False)
    assert "failed to parse host key: ssh: no key found" in printed
    assert "failed attempts" not in printed


def test_a_private_key_that_the_host_does_not_know_is_refused(project: Project, host: Host) -> None:
    connection = host.connection(private_key=repr(key_pair()[0]), dial_error_limit="0")
    printed = project.up(program(connection, 'create="true"'), ok=False)
    expected = "ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain"
    assert f"after 0 failed attempts: ssh: handshake failed: {expected}" in printed


def test_a_proxy_is_gone_through_and_its_key_is_checked(
    project: Project, host: Host, new_host: Callable[[], Host]
) -> None:
    proxy = new_host()
    through = f"remote.ProxyConnectionArgs({proxy.connection()})"
    project.up(program(host.connection(proxy=through), 'create="echo $SSH_CONNECTION"'))
    assert project.output("stdout").split()[3] == str(host.port)
    assert f"originator 127.0.0.1 port 0, target 127.0.0.1 port {host.port}" in (proxy.folder / "log").read_text()
    wrong = f"remote.ProxyConnectionArgs({proxy.connection(host_key=repr(key_pair()[1]), dial_error_limit='0')})"
    printed = project.up(program(host.connection(proxy=wrong), 'create="echo again"'), ok=False)
    assert "proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch" in printed


def test_a_target_behind_a_proxy_has_its_key_checked_too(
    project: Project, host: Host, new_host: Callable[[], Host]
) -> None:
    through = f"remote.ProxyConnectionArgs({new_host().connection()})"
    connection = host.connection(proxy=through, host_key=repr(key_pair()[1]), dial_error_limit="0")
    printed = project.up(program(connection, 'create="true"'), ok=False)
    assert "ssh: handshake failed: ssh: host key mismatch" in printed


@pytest.fixture
def late(tmp_path: Path) -> Iterator[Late]:
    made = Late(tmp_path)
    yield made
    made.stop()


def test_dials_are_repeated_until_the_host_is_there(project: Project, late: Late) -> None:
    late.come_after_one_failed_handshake()
    printed = project.up(program(late.host.connection(dial_error_limit="-1"), 'create="echo there"'))
    assert "Dial 1/inf failed: retrying" in printed
    assert project.output("stdout") == "there"


def test_behind_a_proxy_refused_connections_are_repeated(project: Project, host: Host, late: Late) -> None:
    late.come_after_a_refusal(by=host)
    connection = late.host.connection(proxy=f"remote.ProxyConnectionArgs({host.connection()})", dial_error_limit="-1")
    printed = project.up(program(connection, 'create="echo there"'))
    assert "Dial from proxy 1/inf failed: retrying" in printed
    assert project.output("stdout") == "there"


def test_behind_a_proxy_a_handshake_that_failed_once_fails_for_good(project: Project, host: Host, late: Late) -> None:
    late.come_after_one_failed_handshake()
    connection = late.host.connection(proxy=f"remote.ProxyConnectionArgs({host.connection()})", dial_error_limit="9")
    printed = project.up(program(connection, f'create="touch {project.folder}/ran"'), ok=False)
    # By then the host has long been there: ten attempts take eleven seconds.
    assert "proxy: after 9 failed attempts: ssh: handshake failed: EOF" in printed
    assert not (project.folder / "ran").exists()
    project.up()
    assert (project.folder / "ran").exists(), "the next update did not reach the host"


def test_dials_end_at_the_limit_with_the_last_error(project: Project) -> None:
    port = free_port()
    connection = f"host='127.0.0.1', port={port}, user='x', dial_error_limit=2"
    printed = project.up(program(connection, 'create="true"'), ok=False)
    assert f"after 2 failed attempts: dial tcp 127.0.0.1:{port}: connect: connection refused" in printed


def test_interrupting_ends_dials_at_once(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(60)
        connection = f"host='127.0.0.1', port={door.getsockname()[1]}, user='x', dial_error_limit=-1"
        project.write(program(connection, 'create="true"'))
        running = project.start("up", "--yes", "--skip-preview")
        door.accept()[0].close()
    began = time.monotonic()
    assert "context canceled" in interrupted(running)
    assert time.monotonic() - began < 10


def test_interrupting_waits_for_a_command_that_runs_on_a_host_and_time_limits_do_not_end_it(
    project: Project, host: Host
) -> None:
    folder = project.folder
    arguments = f'create="touch {folder}/began; sleep 8; touch {folder}/ended"'
    project.write(program(host.connection(), f"{arguments}, opts={ONE_SECOND}"))
    running = project.start("up", "--yes", "--skip-preview")
    wait_until((folder / "began").exists, "the command did not start")
    interrupted(running)
    assert (folder / "ended").exists(), "the update did not wait for the command"
    assert "one" in project.resources()


def test_commands_share_nothing_when_they_run_in_parallel(project: Project, host: Host) -> None:
    project.up(f"""
import pulumi
from pulumi_command import remote
connection = remote.ConnectionArgs({host.connection()})
many = []
for n in range(8):
    many.append(remote.Command(f"c{{n}}", connection=connection, create=f"cat; sleep 1; echo -{{n}}", stdin=str(n),
        add_previous_output_in_env=False))
pulumi.export("all", pulumi.Output.all(*[one.stdout for one in many]))
""", "--parallel", "8")  # fmt: skip
    assert project.output("all") == [f"{n}-{n}" for n in range(8)]


def test_a_large_input_and_output_pass_whole(project: Project, host: Host) -> None:
    project.up(program(host.connection(), "create='cat', logging='none', stdin='0123456789' * 100_000"))
    # No comparison that pytest would print.
    whole = project.output("stdout") == "0123456789" * 100_000
    assert whole


class Late:
    """A host whose sshd starts while something dials it already."""

    def __init__(self, folder: Path) -> None:
        private, public = key_pair()
        host_private, host_public = key_pair()
        self.host = Host(free_port(), pwd.getpwuid(os.geteuid()).pw_name, private, host_public, folder)
        self._keys = public, host_private
        self._started: list[subprocess.Popen[bytes]] = []
        self._comes: threading.Thread | None = None

    def _start(self) -> None:
        self._started.append(start_sshd(self.host.folder, self.host.port, *self._keys))

    def come_after_one_failed_handshake(self) -> None:
        """The first connection is accepted, and closed without a word."""
        door = socket.create_server(("127.0.0.1", self.host.port))

        def come() -> None:
            with door:
                door.accept()[0].close()
            self._start()

        self._comes = threading.Thread(target=come)
        self._comes.start()

    def come_after_a_refusal(self, by: Host) -> None:
        """Once `by` could not connect on behalf of someone."""
        refused = f"connect_to 127.0.0.1 port {self.host.port}: failed"

        def come() -> None:
            wait_until(lambda: refused in (by.folder / "log").read_text(), "no connection was refused")
            self._start()

        self._comes = threading.Thread(target=come)
        self._comes.start()

    def stop(self) -> None:
        if self._comes:
            self._comes.join(60)
        for process in self._started:
            process.terminate()
            process.wait(10)


def wait_until(reached: Callable[[], bool], otherwise: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"after {seconds} s {otherwise}"
        time.sleep(0.05)
