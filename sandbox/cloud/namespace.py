"""Network namespaces: running commands and opening sockets in one without leaving the process."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.errors import SandboxError

_CLONE_NEWNET = 0x40000000
_RUN_NETNS = Path("/run/netns")


class CommandFailed(SandboxError):
    """A host command failed; the message holds the command and what it said."""


def run(*command: str, stdin: str | None = None) -> str:
    """Runs a host command and returns its standard output. Raises CommandFailed."""
    outcome = subprocess.run(command, input=stdin, capture_output=True, text=True)
    if outcome.returncode:
        said = (outcome.stderr or outcome.stdout).strip()
        raise CommandFailed(f"`{' '.join(command)}` failed ({outcome.returncode}): {said}")
    return outcome.stdout


def path_of(name: str) -> Path:
    return _RUN_NETNS / name


def exists(name: str) -> bool:
    return path_of(name).exists()


def create(name: str) -> None:
    """Makes the namespace with its loopback up; nothing where it is there already."""
    if not exists(name):
        run("ip", "netns", "add", name)
    run("ip", "-n", name, "link", "set", "lo", "up")


def delete(name: str) -> None:
    if exists(name):
        run("ip", "netns", "delete", name)


def names_with_prefix(prefix: str) -> list[str]:
    if not _RUN_NETNS.is_dir():
        return []
    return sorted(entry.name for entry in _RUN_NETNS.iterdir() if entry.name.startswith(prefix))


@contextmanager
def entered(name: str) -> Iterator[None]:
    """This thread is in the namespace inside the block; sockets opened there stay there afterwards."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(descriptor: int) -> None:
        if libc.setns(descriptor, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter network namespace {name}")

    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(path_of(name), os.O_RDONLY)
    try:
        enter(there)
        try:
            yield
        finally:
            enter(home)
    finally:
        os.close(home)
        os.close(there)


def listening_socket(
    namespace: str, address: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM
) -> socket.socket:
    """A bound socket (listening where it is a stream) in the namespace."""
    with entered(namespace):
        opened = socket.socket(socket.AF_INET, kind)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind((address, port))
    if kind == socket.SOCK_STREAM:
        opened.listen(128)
    return opened


def write_sysctl(namespace: str, key: str, value: str) -> None:
    run("ip", "netns", "exec", namespace, "sysctl", "-qw", f"{key}={value}")
