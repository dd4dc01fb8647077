"""One load balancer's haproxy: started in the region's namespace, found again, changed while it runs, ended."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox.cloud import namespace
from sandbox.cloud.balancer import findings
from sandbox.cloud.balancer.config import Groups, configuration, endpoints, routes_of, structure
from sandbox.cloud.balancer.findings import Findings
from sandbox.cloud.balancer.predecessors import processes_in
from sandbox.cloud.balancer.program import Haproxy
from sandbox.cloud.balancer.runtime import Runtime, RuntimeRefused, States, bring_about, carry_over
from sandbox.cloud.balancer.view import BalancerView
from sandbox.cloud.namespace import CommandFailed

_START_DEADLINE_SECONDS = 30.0
_END_DEADLINE_SECONDS = 5.0
_CHANGE_SECONDS = 2.0
"""How long nobody may listen while the parent process executes itself again, or ends after its worker."""
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
        found = _states(self._socket)
        deadline = time.monotonic() + _CHANGE_SECONDS
        while found is None and processes(self.folder) and time.monotonic() < deadline:
            time.sleep(0.02)
            found = _states(self._socket)
        return found

    def follow(self, balancer: BalancerView, groups: Groups, known: Findings) -> States:
        """Makes it run as the account says, and returns what it says of its servers.

        Connections last: targets change while it runs; where more has changed, a new process takes over the listening
        sockets, and what is `known` of targets; the old one ends with its last connection. Raises CommandFailed,
        RuntimeRefused, OSError.
        """
        routes = routes_of(balancer, groups)
        backends = [*{route.checks.name: route.checks for route in routes}.values(), *(r.forwards for r in routes)]
        wanted = structure(balancer, groups)
        states = self.states()
        if states is None or not self._structure.exists() or self._structure.read_text() != wanted:
            closed = findings.closed(routes, known)
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            present = self._structure.read_text() if states is not None and self._structure.exists() else ""
            if present:
                self._require_free(endpoints(wanted) - endpoints(present))
            self._configuration.write_text(configuration(balancer, groups, closed))
            if states is None:
                self._start()
            else:
                self._change()
            carry_over(self.runtime.ask, backends, findings.healthy(routes, known), closed)
            self._structure.write_text(wanted)
            states = self.runtime.states()
        bring_about(self.runtime.ask, backends, states)
        return self.runtime.states()

    def end(self) -> None:
        """Ends it with all its connections, and removes its files."""
        end_processes(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _socket(self) -> Path:
        return self.folder / "parent"

    @property
    def _structure(self) -> Path:
        return self.folder / "structure.cfg"

    @property
    def _configuration(self) -> Path:
        return self.folder / _CONFIGURATION

    def _start(self) -> None:
        # What a dead parent process leaves would share the ports, and whoever gets a connection there is nobody's.
        end_processes(self.folder)
        self._socket.unlink(missing_ok=True)
        command = [
            "nsenter", f"--net={namespace.path_of(self.network)}", "--",
            str(self.program.binary), "-W", "-D", "-S", f"{self._socket},mode,600", "-f", str(self._configuration),
        ]  # fmt: skip
        log = self.folder / "haproxy.log"
        with log.open("wb") as said:
            outcome = subprocess.run(
                command, env=os.environ | self.program.environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
        if outcome.returncode:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-6:])
            raise CommandFailed(f"haproxy of {self.folder.name} did not start ({outcome.returncode}):\n{last}")
        self._wait(lambda: _states(self._socket) is not None, f"nobody listens on {self._socket}")

    def _require_free(self, added: Iterable[tuple[str, int]]) -> None:
        """A worker that cannot listen makes the present one pause while it tries: clients would be refused."""
        for address, port in sorted(added):
            try:
                namespace.listening_socket(self.network, address, port).close()
            except OSError as problem:
                raise CommandFailed(
                    f"haproxy of {self.folder.name} goes on as before: {address}:{port}: {problem.strerror}"
                ) from problem

    def _change(self) -> None:
        """Another worker takes over; the present one goes on where it cannot start."""
        before = processes_in(self.runtime.ask_parent("show proc")).reloads
        # It executes itself again, and may not answer this.
        with contextlib.suppress(OSError):
            self.runtime.ask_parent("reload")
        self._wait(lambda: self._has_changed(before), f"haproxy of {self.folder.name} has not taken its configuration")

    def _has_changed(self, reloads: int) -> bool:
        now = processes_in(self.runtime.ask_parent("show proc"))
        if now.reloads > reloads and now.failed:
            raise CommandFailed(
                f"haproxy of {self.folder.name} goes on as before: it cannot start with {self._configuration}"
            )
        return now.reloads > reloads and _states(self._socket) is not None

    def _wait(self, reached: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + _START_DEADLINE_SECONDS
        while True:
            with contextlib.suppress(OSError, RuntimeRefused):
                if reached():
                    return
            if time.monotonic() > deadline:
                raise CommandFailed(f"after {_START_DEADLINE_SECONDS:.0f} s {otherwise}")
            time.sleep(0.02)


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
