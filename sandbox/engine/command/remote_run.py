"""Runs a command on another host, by SSH."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import paramiko

from sandbox.engine.command.local_run import OnCancel
from sandbox.engine.command.ssh import Connected
from sandbox.engine.command.streams import Captured, LogLine
from sandbox.engine.command.texts import quoted, without_last_newline
from sandbox.engine.command.transport import Channel
from sandbox.engine.plugin.properties import Properties
from sandbox.engine.plugin.server import PluginError


@dataclass(frozen=True)
class RemoteCommand:
    """What to run. `previous` are variables that the host may refuse, with a warning."""

    command: str
    environment: Mapping[str, str] = field(default_factory=dict)
    previous: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""
    logging: str | None = None


@dataclass(frozen=True)
class Say:
    """How to reach the person: a line of output, a warning, an error."""

    line: LogLine
    warning: LogLine
    error: LogLine


def run(what: RemoteCommand, connected: Connected, say: Say, on_cancel: OnCancel) -> Properties:
    """Runs it to its end and returns stdout and stderr. Raises PluginError if it fails."""
    captured = Captured(say.line, what.logging)
    try:
        channel = connected.transport.open_session()
        forget = on_cancel(connected.close)
        try:
            _set_environment(channel, what, say)
            channel.exec_command(what.command)
            _communicate(channel, what.stdin, captured)
        finally:
            forget()
    except (paramiko.SSHException, EOFError, OSError) as problem:
        reason = str(problem) or "EOF"
        raise PluginError(f"{reason}: running {quoted(what.command)}:\n{captured.text('both')}") from problem
    failure = _failure(channel)
    if failure:
        raise PluginError(f"{failure}: running {quoted(what.command)}:\n{captured.text('both')}")
    return {
        "stdout": without_last_newline(captured.text("stdout")),
        "stderr": without_last_newline(captured.text("stderr")),
    }


def _set_environment(channel: Channel, what: RemoteCommand, say: Say) -> None:
    for name, value in sorted(what.environment.items()):
        if not _set_variable(channel, name, value):
            say.error(_refused(name))
            raise PluginError(f'could not set environment variable "{name}": ssh: setenv failed')
    for name, value in what.previous.items():
        if not _set_variable(channel, name, value):
            say.warning(_refused(name))


def _set_variable(channel: Channel, name: str, value: str) -> bool:
    """Whether the host took the variable. paramiko's own method does not ask for an answer."""
    request = paramiko.Message()
    request.add_byte(paramiko.common.cMSG_CHANNEL_REQUEST)
    request.add_int(channel.remote_chanid)
    request.add_string("env")
    request.add_boolean(True)
    request.add_string(name)
    request.add_string(value)
    channel._event_pending()
    channel.transport._send_user_message(request)
    try:
        channel._wait_for_event()
    except paramiko.SSHException:
        if channel.closed:
            raise
        return False
    return True


def _refused(name: str) -> str:
    return (
        f"Unable to set '{name}'. This only works if your SSH server is configured to accept\n"
        "\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you "
        "could\n\tprefix the command itself with the variables in the form 'VAR=value command'"
    )


def _communicate(channel: Channel, stdin: str, captured: Captured) -> None:
    def pump(name: str, receive: Callable[[int], bytes]) -> None:
        while chunk := receive(65536):
            captured.add(name, chunk)
        captured.finish(name)

    sources: dict[str, Any] = {"stdout": channel.recv, "stderr": channel.recv_stderr}
    readers = [threading.Thread(target=pump, args=pair, daemon=True) for pair in sources.items()]
    for reader in readers:
        reader.start()
    threading.Thread(target=_feed, args=(channel, stdin.encode()), daemon=True).start()
    for reader in readers:
        reader.join()
    channel.status_event.wait()


def _feed(channel: Channel, content: bytes) -> None:
    try:
        channel.sendall(content)
        channel.shutdown_write()
    except OSError:
        pass  # the command may end without reading its input


def _failure(channel: Channel) -> str:
    name = getattr(channel, "exit_signal", None)
    if name is not None:
        number = getattr(signal, f"SIG{name}", None)
        return f"Process exited with status {128 + int(number or 0)} from signal {name}"
    if channel.exit_status == -1:
        return "wait: remote command exited without exit status or exit signal"
    return f"Process exited with status {channel.exit_status}" if channel.exit_status else ""
