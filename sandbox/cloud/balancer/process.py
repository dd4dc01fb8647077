"""One load balancer's haproxy: started in the region's namespace, found again, changed while it runs, ended."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sandbox.cloud import namespace
from sandbox.cloud.balancer.config import Groups, configuration, routes_of
from sandbox.cloud.balancer.program import Haproxy
from sandbox.cloud.balancer.runtime import Runtime, States, bring_about, carry_over
from sandbox.cloud.balancer.view import BalancerView
from sandbox.cloud.namespace import CommandFailed

_START_DEADLINE_SECONDS = 30.0
_END_DEADLINE_SECONDS = 5.0
_CONFIGURATION = "haproxy.cfg"


@dataclass(frozen=True)
class BalancerProcess:
    """`folder` is its own and holds its files; `network` is the namespace that has the nodes' addresses."""

    folder: Path
    network: str
    program: Haproxy

    @property
    def runtime(self) -> Runtime:
        return Runtime(self._socket)

    def states(self) -> States | None:
        """What it says of its servers; None where it does not run. Raises TimeoutError where it is slow to answer."""
        return _states(self._socket)

    def follow(self, balancer: BalancerView, groups: Groups, healthy: Collection[tuple[str, str]]) -> States:
        """Makes it run as the account says, and returns what it says of its servers.

        Connections last: targets change while it runs; where more has changed, a new process takes over the
        listening sockets and the old one ends with its last connection. `healthy` are those that were so when that was
        known last, by the backend that checks and name. Raises CommandFailed, RuntimeRefused, OSError.
        """
        backends = [backend for route in routes_of(balancer, groups) for backend in (route.checks, route.forwards)]
        structure = configuration(balancer, groups, self._socket.name, servers=False)
        states = self.states()
        if states is None or not self._structure.exists() or self._structure.read_text() != structure:
            self._start(balancer, groups, takes_over=states is not None)
            self._structure.write_text(structure)
            carry_over(self.runtime.ask, [backend for backend in backends if backend.checks], healthy)
            states = self.runtime.states()
        bring_about(self.runtime.ask, backends, states)
        return self.runtime.states()

    def end(self) -> None:
        """Ends it with all its connections, and removes its files."""
        end_processes(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _socket(self) -> Path:
        return self.folder / "socket"

    @property
    def _structure(self) -> Path:
        return self.folder / "structure.cfg"

    def _start(self, balancer: BalancerView, groups: Groups, takes_over: bool) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file, log = self.folder / _CONFIGURATION, self.folder / "haproxy.log"
        # Under a name that it has before, it would share the socket with its predecessor: either of them would answer.
        answers_on = self._socket.with_suffix(f".{secrets.token_hex(3)}")
        file.write_text(configuration(balancer, groups, str(answers_on)))
        old = processes(self.folder)
        command = [
            "nsenter", f"--net={namespace.path_of(self.network)}", "--",
            str(self.program.binary), "-D", "-f", str(file),
            *(["-x", str(self._socket)] if takes_over else []),
            *(["-sf", *map(str, old)] if old else []),
        ]  # fmt: skip
        with log.open("wb") as said:
            outcome = subprocess.run(
                command, env=os.environ | self.program.environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
        if outcome.returncode:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-6:])
            raise CommandFailed(f"haproxy of {self.folder.name} did not start ({outcome.returncode}):\n{last}")
        deadline = time.monotonic() + _START_DEADLINE_SECONDS
        while _states(answers_on) is None:
            if time.monotonic() > deadline:
                raise CommandFailed(f"after {_START_DEADLINE_SECONDS:.0f} s nobody listens on {answers_on}")
            time.sleep(0.02)
        answers_on.rename(self._socket)


def _states(path: Path) -> States | None:
    try:
        return Runtime(path).states()
    except (FileNotFoundError, ConnectionRefusedError):
        return None


def processes(folder: Path) -> list[int]:
    """Ids of the processes that run with a configuration in the folder or below it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        files = [Path(os.fsdecode(argument)) for argument in arguments if argument.endswith(_CONFIGURATION.encode())]
        if arguments[0].endswith(b"haproxy") and any(file.is_relative_to(folder) for file in files):
            found.append(int(entry.name))
    return sorted(found)


def balancers_folder(state: Path) -> Path:
    """Where the sandbox keeps a folder for each load balancer."""
    return state / "balancers"


def end_processes(folder: Path) -> None:
    """Ends the load balancers at once, with their connections, and waits until the host has forgotten them."""
    found = processes(folder)
    for process_id in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)
    deadline = time.monotonic() + _END_DEADLINE_SECONDS
    while any(Path(f"/proc/{process_id}").exists() for process_id in found) and time.monotonic() < deadline:
        time.sleep(0.02)
