"""remote.Command against a real sshd."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.tests.engine.command.conftest import Host, free_port, key_pair, start_sshd
from sandbox.tests.engine.conftest import Project
from sandbox.tests.engine.processes import interrupted

pytestmark = pytest.mark.engine


def program(connection: str, arguments: str) -> str:
    return f"""
import pulumi
from pulumi_command import remote
connection = remote.ConnectionArgs({connection})
one = remote.Command("one", connection=connection, {arguments})
pulumi.export("stdout", one.stdout)
pulumi.export("stderr", one.stderr)
"""


def test_create_update_and_delete_run_on_the_host(project: Project, host: Host) -> None:
    log = project.folder / "log"
    arguments = f"""create="echo created >> {log}; echo first", stdin={{stdin!r}},
        update='echo "updated after $PULUMI_COMMAND_STDOUT with $(cat)" | tee -a {log}', delete="echo deleted >> {log}"
    """
    project.up(program(host.connection(), arguments.format(stdin="a")))
    assert project.output("stdout") == "first"
    project.up(program(host.connection(), arguments.format(stdin="b")))
    assert project.output("stdout") == "updated after first with b"
    project.run("destroy", "--yes")
    assert log.read_text().splitlines() == ["created", "updated after first with b", "deleted"]


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


def test_a_variable_that_the_host_accepts_is_set(project: Project, host: Host) -> None:
    arguments = 'create="echo $ACCEPTED_ONE", environment={"ACCEPTED_ONE": "it\'s here"}'
    project.up(program(host.connection(), arguments))
    assert project.output("stdout") == "it's here"


def test_a_variable_that_the_host_refuses_fails_the_command(project: Project, host: Host) -> None:
    printed = project.up(program(host.connection(), 'create="true", environment={"OTHER": "x"}'), ok=False)
    assert 'could not set environment variable "OTHER": ssh: setenv failed' in printed
    assert "Unable to set 'OTHER'" in printed


def test_last_output_that_the_host_refuses_is_only_a_warning(project: Project, host: Host) -> None:
    arguments = 'create="echo to out; echo to err >&2", update="echo $PULUMI_COMMAND_STDOUT/$PULUMI_COMMAND_STDERR"'
    project.up(program(host.connection(), arguments))
    printed = project.up(program(host.connection(), arguments + ', stdin="changed"'))
    assert project.output("stdout") == "to out/"
    assert "Unable to set 'PULUMI_COMMAND_STDERR'" in printed
    assert "Unable to set 'PULUMI_COMMAND_STDOUT'" not in printed
    printed = project.up(
        program(host.connection(), arguments + ', stdin="again", add_previous_output_in_env=False')
    )  # fmt: skip
    assert project.output("stdout") == "/"
    assert "Unable to set" not in printed


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("echo to out; echo to err >&2; exit 7", "Process exited with status 7"),
        ("echo to out; echo to err >&2; kill -TERM $$", "Process exited with status 143 from signal TERM"),
    ],
)
def test_a_failing_command_is_reported_with_all_its_output(
    project: Project, host: Host, command: str, reason: str
) -> None:
    printed = project.up(program(host.connection(), f"create={command!r}, logging='none'"), ok=False)
    assert f'{reason}: running "{command}":' in printed
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


def test_keys_of_an_agent_are_used(project: Project, host: Host) -> None:
    (project.folder / "key").write_text(host.key)
    (project.folder / "key").chmod(0o600)
    # The path of a Unix socket must be short.
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/agent"
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
        try:
            add = ["ssh-add", str(project.folder / "key")]
            deadline = time.monotonic() + 10
            while subprocess.run(add, env={**os.environ, "SSH_AUTH_SOCK": path}, capture_output=True).returncode:
                assert time.monotonic() < deadline, "the agent does not take the key"
                time.sleep(0.05)
            connection = host.connection(private_key="None", agent_socket_path=repr(path))
            project.up(program(connection, 'create="echo by agent"'))
        finally:
            agent.terminate()
            agent.wait(10)
    assert project.output("stdout") == "by agent"
    printed = project.up(program(connection, 'create="echo again"'), ok=False)
    assert f"dial unix {path}: connect: no such file or directory" in printed


def test_dials_are_repeated_until_the_host_is_there(project: Project, tmp_path: Path) -> None:
    private, public = key_pair()
    host_private, host_public = key_pair()
    late = Host(free_port(), pwd.getpwuid(os.geteuid()).pw_name, private, host_public, tmp_path)
    started = []
    door = socket.create_server(("127.0.0.1", late.port))

    def come_once_dialled() -> None:
        with door:
            door.accept()[0].close()
        started.append(start_sshd(tmp_path, late.port, public, host_private))

    thread = threading.Thread(target=come_once_dialled)
    thread.start()
    try:
        printed = project.up(program(late.connection(dial_error_limit="-1"), 'create="echo there"'))
    finally:
        thread.join(60)
        started[0].terminate()
        started[0].wait(10)
    assert "Dial 1/inf failed: retrying" in printed
    assert project.output("stdout") == "there"


def test_dials_end_at_the_limit_with_the_last_error(project: Project) -> None:
    port = free_port()
    connection = f"host='127.0.0.1', port={port}, user='x', password='y', dial_error_limit=2"
    printed = project.up(program(connection, 'create="true"'), ok=False)
    assert f"after 2 failed attempts: dial tcp 127.0.0.1:{port}: connect: connection refused" in printed


def test_interrupting_ends_a_command_that_runs_on_the_host(project: Project, host: Host) -> None:
    project.write(program(host.connection(), f'create="echo $$ > {project.folder}/pid; sleep 300"'))
    running = project.start("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 30
    while not (project.folder / "pid").exists():
        assert time.monotonic() < deadline, "the command did not start"
        time.sleep(0.05)
    began = time.monotonic()
    interrupted(running)
    assert running.returncode != 0
    assert time.monotonic() - began < 20


def test_commands_share_nothing_when_they_run_in_parallel(project: Project, host: Host) -> None:
    project.up(f"""
import pulumi
from pulumi_command import remote
connection = remote.ConnectionArgs({host.connection()})
many = []
for n in range(8):
    many.append(remote.Command(f"c{{n}}", connection=connection, create=f"cat; sleep 1; echo -{{n}}", stdin=str(n)))
pulumi.export("all", pulumi.Output.all(*[one.stdout for one in many]))
""", "--parallel", "8")  # fmt: skip
    assert project.output("all") == [f"{n}-{n}" for n in range(8)]


def test_a_large_input_and_output_pass_whole(project: Project, host: Host) -> None:
    project.up(program(host.connection(), "create='cat', logging='none', stdin='0123456789' * 100_000"))
    # No comparison that pytest would print.
    whole = project.output("stdout") == "0123456789" * 100_000
    assert whole
