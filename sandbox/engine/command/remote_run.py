"""Runs a command on another host, over an SSH connection."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import paramiko

from sandbox.engine.command.output import Output


def run(transport: paramiko.Transport, command: str, stdin: str, output: Output) -> None:
    """Runs it to its end: nothing can end it from here. Raises ReportedError if it fails."""
    try:
        channel = transport.open_session()
        channel.exec_command(command)
        with ThreadPoolExecutor(3) as pool:
            pool.submit(_feed, channel, stdin.encode())
            pumps = [
                pool.submit(_pump, channel.recv, "stdout", output),
                pool.submit(_pump, channel.recv_stderr, "stderr", output),
            ]
            try:
                for pump in pumps:
                    pump.result()
            except BaseException:
                channel.close()
                raise
        status = channel.recv_exit_status()
    except (paramiko.SSHException, EOFError, OSError) as problem:
        raise output.failure(str(problem) or "EOF", command) from problem
    if status == -1:
        raise output.failure("wait: remote command exited without exit status or exit signal", command)
    if status:
        raise output.failure(f"Process exited with status {status}", command)


def _pump(receive: Callable[[int], bytes], name: str, output: Output) -> None:
    chunk = b"-"
    while chunk:
        chunk = receive(65536)
        output.add(name, chunk)


def _feed(channel: paramiko.Channel, content: bytes) -> None:
    try:
        channel.sendall(content)
        channel.shutdown_write()
    except OSError:
        pass  # the command may end without reading its input
